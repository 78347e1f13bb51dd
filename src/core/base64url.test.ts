import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

test("encodeBase64url() writes what Node's own does", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      assert.equal(encodeBase64url(bytes), Buffer.from(bytes).toString('base64url'));
    }),
  );
});

test('decodeBase64url() gives back what was encoded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      assert.deepEqual(decodeBase64url(encodeBase64url(bytes)), bytes);
    }),
  );
});

test('decodeBase64url() refuses everything else', () => {
  for (const text of ['A', 'AB', 'AA==', 'A+AA', 'A/AA', 'A AA', 'Ä', 'AAAAA', '\u{1f600}AA']) {
    assert.equal(decodeBase64url(text), undefined, text);
  }
});
