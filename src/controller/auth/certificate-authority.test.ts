import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { connect, createServer, type SecureContextOptions } from 'node:tls';
import { FakeClock } from '#base/clock.ts';
import { generationOf } from '#core/certificate-generation.ts';
import { type CertificateAuthority, openCertificateAuthority } from './certificate-authority.ts';
import { verifyCertificateRequest } from './certificate-request.ts';
import { IdentityFileError } from './identity-file.ts';
import { serverNames } from './server-names.ts';
import { makeNodeKey, type NodeKey } from './testing/node-key.ts';

const names = serverNames(['127.0.0.1']);

it('openCertificateAuthority() makes certificates once and finds them again', async () => {
  await using directory = await temporaryDirectory();
  const first = await open(directory.path);
  const again = await open(directory.path);
  assert.equal(again.rootPem, first.rootPem);
  assert.deepEqual(again.controller, first.controller);
  const files = await readdir(join(directory.path, 'pki'));
  assert.deepEqual(files.sort(), ['controller-ca.pem', 'controller.pem', 'node-ca.pem', 'root.pem']);
  for (const file of files) assert.equal((await stat(join(directory.path, 'pki', file))).mode & 0o777, 0o600);
});

it('openCertificateAuthority() gives a pin that is the SHA-256 of the key of the root', async () => {
  await using directory = await temporaryDirectory();
  const { rootPem, pin } = await open(directory.path);
  const spki = new X509Certificate(rootPem).publicKey.export({ type: 'spki', format: 'der' });
  assert.equal(Buffer.from(pin).toString('hex'), createHash('sha256').update(spki).digest('hex'));
});

it('openCertificateAuthority() renews what is near its end, and never the root', async () => {
  await using directory = await temporaryDirectory();
  const clock = new FakeClock(Date.now());
  const first = await open(directory.path, clock);
  await clock.advance(400 * 24 * 3_600_000);
  const aYearLater = await open(directory.path, clock);
  assert.notEqual(aYearLater.controller.cert, first.controller.cert);
  assert.equal(issuerOf(aYearLater), issuerOf(first));
  await clock.advance(900 * 24 * 3_600_000);
  const later = await open(directory.path, clock);
  assert.notEqual(issuerOf(later), issuerOf(first));
  assert.equal(later.rootPem, first.rootPem);
});

it('openCertificateAuthority() renews the controller certificate when its names have changed', async () => {
  await using directory = await temporaryDirectory();
  const first = await open(directory.path);
  const options = { directory: join(directory.path, 'pki'), clock: new FakeClock(Date.now()) };
  const moved = await openCertificateAuthority({
    ...options,
    names: serverNames(['192.0.2.7', 'api.example.org']),
  });
  assert.notEqual(moved.controller.cert, first.controller.cert);
  const certificate = new X509Certificate(moved.controller.cert);
  for (const name of ['controller.drover', 'localhost', 'api.example.org'])
    assert.ok(certificate.checkHost(name));
  for (const address of ['192.0.2.7', '127.0.0.1', '::1']) assert.ok(certificate.checkIP(address), address);
});

it('openCertificateAuthority() refuses a damaged file and leaves it as it is', async () => {
  await using directory = await temporaryDirectory();
  await open(directory.path);
  await writeFile(join(directory.path, 'pki', 'root.pem'), 'garbage');
  await assert.rejects(open(directory.path), IdentityFileError);
});

it('openCertificateAuthority() makes no root in place of one that nodes have pinned', async () => {
  await using directory = await temporaryDirectory();
  await open(directory.path);
  const path = join(directory.path, 'pki', 'root.pem');
  await rm(path);
  const place = { directory: join(directory.path, 'pki'), clock: new FakeClock(Date.now()), names };
  const again = openCertificateAuthority({ ...place, isPinned: true });
  await assert.rejects(again, { name: 'IdentityFileError', message: new RegExp(`^${path} is lost`) });
});

it('a node certificate carries the given name, 7 days, and nothing that the request asked for', async () => {
  await using directory = await temporaryDirectory();
  const authority = await open(directory.path);
  const key = await makeNodeKey({ commonName: 'root', dns: 'controller.drover' });
  const [leaf = new Uint8Array()] = await authority.issueNode({
    name: 'web1',
    publicKey: (await verifyCertificateRequest(key.request)).publicKey,
    generation: 7,
  });
  const certificate = new X509Certificate(leaf);
  assert.equal(certificate.subject, 'CN=web1');
  assert.equal(generationOf(certificate.serialNumber), 7);
  assert.equal(certificate.subjectAltName, undefined);
  assert.equal(certificate.ca, false);
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  const lifeMs = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom);
  assert.equal(Math.round(lifeMs / 1000), 7 * 24 * 3600 + 300);
});

it('verifyCertificateRequest() gives the fingerprint of the key and refuses everything that proves no key', async () => {
  const key = await makeNodeKey();
  assert.equal((await verifyCertificateRequest(key.request)).fingerprint, key.fingerprint);
  const forged = Uint8Array.from(key.request);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  const other = await makeNodeKey({ curve: 'P-384' });
  const rejected = [
    forged,
    other.request,
    new Uint8Array(),
    new Uint8Array(100),
    key.request.subarray(0, 50),
  ];
  for (const request of rejected) {
    await assert.rejects(verifyCertificateRequest(request), { name: 'RefusedError', reason: 'INVALID' });
  }
});

it('TLS: controller and node accept each other, each by the root alone', async () => {
  await using directory = await temporaryDirectory();
  const authority = await open(directory.path);
  const node = await nodeIdentity(authority, 'web1');
  const { server, client } = await handshake(authority.controller, node, authority.rootPem);
  assert.deepEqual([server, client], ['web1', 'authorized']);
});

it('TLS: a node cannot serve', async () => {
  await using directory = await temporaryDirectory();
  const authority = await open(directory.path);
  const node = await nodeIdentity(authority, 'web1');
  const { client } = await handshake(node, node, authority.rootPem, { checkServerIdentity: () => undefined });
  assert.match(client, /unsuitable certificate purpose|INVALID_PURPOSE/);
});

it('TLS: a controller certificate is no client', async () => {
  await using directory = await temporaryDirectory();
  const authority = await open(directory.path);
  const { server } = await handshake(authority.controller, authority.controller, authority.rootPem);
  // Node.js hides the server's reason; that the same chain serves above leaves the purpose only.
  assert.match(server, /ECONNRESET/);
});

it('TLS: a node of another cluster, one without a certificate and an expired one are refused', async () => {
  await using directory = await temporaryDirectory();
  await using elsewhere = await temporaryDirectory();
  const authority = await open(directory.path);
  const outsider = await nodeIdentity(await open(elsewhere.path), 'web1');
  const past = await open(directory.path, new FakeClock(Date.now() - 8 * 24 * 3_600_000));
  const expired = await nodeIdentity(past, 'web1');
  for (const client of [outsider, {}, expired]) {
    const { server } = await handshake(authority.controller, client, authority.rootPem);
    assert.match(server, /ECONNRESET|PEER_DID_NOT_RETURN_A_CERTIFICATE/);
  }
});

function open(path: string, clock = new FakeClock(Date.now())): Promise<CertificateAuthority> {
  return openCertificateAuthority({ directory: join(path, 'pki'), clock, names });
}

function issuerOf({ controller }: CertificateAuthority): string | undefined {
  return controller.cert.split('-----END CERTIFICATE-----')[1];
}

async function nodeIdentity(authority: CertificateAuthority, name: string): Promise<SecureContextOptions> {
  const key: NodeKey = await makeNodeKey();
  const chain = await authority.issueNode({
    name,
    publicKey: (await verifyCertificateRequest(key.request)).publicKey,
    generation: 1,
  });
  return { key: key.pem, cert: chain.map((der) => new X509Certificate(der).toString()).join('') };
}

/** What each side makes of the other: the server the client's common name or its refusal, the client likewise. */
async function handshake(
  serverSide: SecureContextOptions,
  clientSide: SecureContextOptions,
  ca: string,
  options: { checkServerIdentity?: () => undefined } = {},
): Promise<{ server: string; client: string }> {
  const server = createServer({ ...serverSide, ca, requestCert: true, minVersion: 'TLSv1.3' });
  const seen = Promise.withResolvers<string>();
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    seen.resolve(socket.getPeerCertificate().subject.CN as string);
    socket.end();
  });
  server.on('tlsClientError', (error) =>
    seen.resolve(`${error.message} ${(error as NodeJS.ErrnoException).code}`),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const target = { host: '127.0.0.1', port, ca, servername: 'controller.drover' };
    const client = await new Promise<string>((resolve) => {
      const socket = connect({ ...target, ...clientSide, ...options }, () => resolve('authorized'));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.message} ${error.code}`));
      socket.on('close', () => resolve('closed'));
      socket.resume();
    });
    return { server: await seen.promise, client };
  } finally {
    server.close();
  }
}

async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'drover-pki-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
