import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJoinToken, JoinTokenError, parseJoinToken } from './join-token.ts';

const secret = Uint8Array.from({ length: 32 }, (_, i) => 200 + i);
const pin = Uint8Array.from({ length: 32 }, (_, i) => i);
const good = formatJoinToken({ id: 'k3x9', secret, pin });

test('parseJoinToken() reads what formatJoinToken() wrote', () => {
  assert.deepEqual(parseJoinToken(good), { id: 'k3x9', secret, pin });
  assert.deepEqual(parseJoinToken(`  ${good}\n`), { id: 'k3x9', secret, pin });
});

const [, , secretText = '', pinText = ''] = good.split('.');
const wrong: Record<string, [string, RegExp]> = {
  empty: ['', /does not begin with "dv1\."/],
  'another format': [good.replace('dv1', 'dv2'), /does not begin with "dv1\."/],
  'cut after the secret': [`dv1.k3x9.${secretText}`, /it has 3 parts between dots instead of 4/],
  'a part too many': [`${good}.x`, /it has 5 parts/],
  'no id': [`dv1..${secretText}.${pinText}`, /its id "" is malformed/],
  'an id with a slash': [`dv1.a/b.${secretText}.${pinText}`, /its id "a\/b" is malformed/],
  'a secret of another alphabet': [
    `dv1.k3x9.${secretText.slice(1)}!.${pinText}`,
    /its secret is not base64url/,
  ],
  'a short secret': [`dv1.k3x9.AAAA.${pinText}`, /its secret has 3 bytes instead of 32/],
  'a pin cut by one': [good.slice(0, -1), /its pin (is not base64url|has 31 bytes)/],
  'no pin': [`dv1.k3x9.${secretText}.`, /its pin has 0 bytes instead of 32/],
};

for (const [name, [text, message]] of Object.entries(wrong)) {
  test(`parseJoinToken() refuses a token: ${name}`, () => {
    assert.throws(
      () => parseJoinToken(text),
      (error) => {
        assert.ok(error instanceof JoinTokenError);
        assert.match(error.message, message);
        assert.ok(!error.message.includes(secretText), 'the secret is in the message');
        return true;
      },
    );
  });
}
