import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findIdentity, IdentityDamagedError, replaceCertificate, storeIdentity } from './identity.ts';
import { makeTestPki } from './testing/test-pki.ts';

const pki = await makeTestPki();
const { key, certificate } = await pki.issueNode('node1');
const other = await pki.issueNode('node1');
const identity = {
  name: 'node1',
  clusterId: 'cluster-1',
  agentAddress: { host: '::1', port: 7444 },
  credentials: { key, certificate, root: pki.root },
};

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-identity-'));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('findIdentity() finds what storeIdentity() stored', async () => {
  await inDirectory(async (directory) => {
    const data = join(directory, 'data');
    assert.equal(await findIdentity(data), undefined);
    await storeIdentity(data, identity);
    assert.deepEqual(await findIdentity(data), identity);
    assert.equal((await stat(join(data, 'identity', 'key.pem'))).mode & 0o777, 0o600);
    assert.equal((await stat(join(data, 'identity'))).mode & 0o777, 0o700);
  });
});

test('replaceCertificate() takes one for the same name and key, and no other', async () => {
  await inDirectory(async (directory) => {
    await storeIdentity(directory, identity);
    const publicKey = await importPublicKey(certificate);
    const encode = (der: Uint8Array) => new X509Certificate(der).toString();
    const next = encode(await pki.certifyNode('node1', publicKey));
    const stranger = await makeTestPki();
    for (const wrong of [
      other.certificate,
      encode(await pki.certifyNode('node2', publicKey)),
      encode(await stranger.certifyNode('node1', publicKey)),
      '',
      'rubbish',
    ]) {
      await assert.rejects(replaceCertificate(directory, identity, wrong), {
        name: 'IdentityDamagedError',
        message: 'the controller sent a certificate that is none of this node',
      });
      assert.deepEqual(await findIdentity(directory), identity);
    }
    const renewed = await replaceCertificate(directory, identity, next);
    assert.equal(renewed.credentials.certificate, next);
    assert.deepEqual(await findIdentity(directory), renewed);
  });
});

test('storeIdentity() never replaces an identity, and leaves nothing half-made', async () => {
  await inDirectory(async (directory) => {
    await storeIdentity(directory, identity);
    await assert.rejects(storeIdentity(directory, { ...identity, name: 'node2' }));
    assert.deepEqual(await findIdentity(directory), identity);
    assert.deepEqual(await readdir(directory), ['identity']);
  });
});

test('storeIdentity() clears away what a killed try has left', async () => {
  await inDirectory(async (directory) => {
    await mkdir(join(directory, '.identity-abc'));
    await writeFile(join(directory, '.identity-abc', 'key.pem'), 'half');
    assert.equal(await findIdentity(directory), undefined);
    await storeIdentity(directory, identity);
    assert.deepEqual(await readdir(directory), ['identity']);
  });
});

function importPublicKey(pem: string): Promise<webcrypto.CryptoKey> {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return webcrypto.subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify']);
}

/** Another letter near the end, which is the signature. */
function changed(pem: string): string {
  const at = pem.indexOf('-----END') - 20;
  return `${pem.slice(0, at)}${pem[at] === 'A' ? 'B' : 'A'}${pem.slice(at + 1)}`;
}

for (const [name, damage] of Object.entries({
  'a missing key': (directory: string) => rm(join(directory, 'identity', 'key.pem')),
  'a node.json that is no JSON': (directory: string) =>
    writeFile(join(directory, 'identity', 'node.json'), '{'),
  'a name that is none': (directory: string) =>
    writeFile(
      join(directory, 'identity', 'node.json'),
      '{"name":"../x","clusterId":"c","agentAddress":"h:1"}',
    ),
  'a key that is none': (directory: string) => writeFile(join(directory, 'identity', 'key.pem'), 'garbage'),
  'the key of another': (directory: string) => writeFile(join(directory, 'identity', 'key.pem'), other.key),
  'a certificate that is none': (directory: string) =>
    writeFile(join(directory, 'identity', 'certificate.pem'), certificate.slice(0, 100)),
  'a certificate with a changed byte': (directory: string) =>
    writeFile(join(directory, 'identity', 'certificate.pem'), changed(certificate)),
  'a root with a changed byte': (directory: string) =>
    writeFile(join(directory, 'identity', 'root.pem'), changed(pki.root)),
})) {
  test(`findIdentity() says what is damaged: ${name}`, async () => {
    await inDirectory(async (directory) => {
      await storeIdentity(directory, identity);
      await damage(directory);
      await assert.rejects(findIdentity(directory), (error) => {
        assert.ok(error instanceof IdentityDamagedError);
        assert.match(error.message, /is (missing|malformed) in .*remove that directory and join again$/);
        return true;
      });
    });
  });
}

test('findIdentity() says that a file is where its directory should be', async () => {
  await inDirectory(async (directory) => {
    await writeFile(join(directory, 'identity'), '');
    await assert.rejects(findIdentity(directory), IdentityDamagedError);
  });
});
