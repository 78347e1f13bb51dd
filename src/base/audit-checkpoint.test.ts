import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { it } from 'node:test';
import { keyFingerprint, readCheckpoint, signCheckpoint } from './audit-checkpoint.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const keys = new Map([[keyFingerprint(publicKey), publicKey]]);
const checkpoint = { cluster: 'c', sequence: 7, hash: 'ab'.repeat(32), atMs: 1_700_000_000_000 };

it('readCheckpoint() reads what signCheckpoint() has written', () => {
  assert.deepEqual(readCheckpoint(signCheckpoint(checkpoint, privateKey), keys), checkpoint);
  assert.equal(keyFingerprint(privateKey), keyFingerprint(createPublicKey(privateKey)));
});

it('readCheckpoint() refuses what was changed, and what another key has signed', () => {
  const line = signCheckpoint(checkpoint, privateKey);
  const stranger = generateKeyPairSync('ed25519').privateKey;
  for (const changed of [
    line.replace('"sequence":7', '"sequence":6'),
    line.replace('"cluster":"c"', '"cluster":"d"'),
    line.replace('abab', 'baba'),
    line.replace('1700000000000', '1700000000001'),
  ]) {
    assert.notEqual(changed, line);
    assert.equal(readCheckpoint(changed, keys), 'is not what was signed');
  }
  assert.match(String(readCheckpoint(signCheckpoint(checkpoint, stranger), keys)), /a key that is not known/);
  for (const text of ['', 'x', 'null', '[]', '{}', '{"sequence":"7"}'])
    assert.equal(readCheckpoint(text, keys), 'is no checkpoint');
});
