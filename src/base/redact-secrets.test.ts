import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { it } from 'node:test';
import { redactSecrets } from './redact-secrets.ts';

const secret = 'h1Gx5n2Qk9fWv7Zb3Jt0Lr8Yc6Md4Pa1Se_Uq-Xo7wI';

it('redactSecrets() leaves of a token what names it', () => {
  assert.equal(redactSecrets(`a dvo1.abc.${secret} b`), 'a dvo1.abc.[redacted] b');
  assert.equal(redactSecrets(`"dv1.j7.${secret}.${secret}"`), '"dv1.j7.[redacted]"');
  assert.equal(redactSecrets(`Bearer dvo1.abc.${secret}`), 'Bearer dvo1.abc.[redacted]');
  assert.equal(redactSecrets(`dv1.j7.${secret.slice(0, 20)}`), 'dv1.j7.[redacted]', 'cut off');
});

it('redactSecrets() takes private keys out, also where line breaks are escaped or the end is missing', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const body = pem.split('\n')[1] ?? '';
  const cut = JSON.stringify({ pem: pem.slice(0, 100), nested: JSON.stringify({ pem: pem.slice(0, 90) }) });
  for (const text of [`x ${pem} y`, JSON.stringify({ pem }), pem.slice(0, 100), cut]) {
    const clean = redactSecrets(text);
    assert.ok(clean.includes('[redacted PRIVATE KEY]'), clean);
    assert.ok(!clean.includes(body.slice(0, 30)), clean);
    if (text.startsWith('{')) assert.ok(JSON.parse(clean));
  }
  assert.match(redactSecrets(`x ${pem} y`), /^x \[redacted PRIVATE KEY\]\n y$/);
});

it('redactSecrets() changes nothing else', () => {
  const text = 'dv1 dvo1.abc run -w web1 -- echo dv1.x.y -----BEGIN CERTIFICATE-----';
  assert.equal(redactSecrets(text), text);
  const clean = redactSecrets(`dvo1.abc.${secret}`);
  assert.equal(redactSecrets(clean), clean);
});
