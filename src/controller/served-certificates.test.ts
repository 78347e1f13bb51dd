import 'reflect-metadata';
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { FakeClock } from '#base/clock.ts';
import { openCertificateAuthority } from '#controller/auth/certificate-authority.ts';
import { issueController, issueIssuingCa, issueRoot } from '#controller/auth/certificates.ts';
import { encodePrivateKey } from '#controller/auth/identity-file.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { type Served, ServedCertificates } from './served-certificates.ts';

const dayMs = 24 * 3_600_000;
const yearMs = 365 * dayMs;

interface Scene {
  readonly clock: FakeClock;
  readonly served: ServedCertificates;
  /** Of each change. */
  readonly changes: Served[];
  readonly lines: string[];
  /** Resolves when the latest look at the cluster's own is over. */
  readonly looked: () => Promise<unknown>;
  readonly certFile: string;
  /** Puts a certificate of a site in place, made at this moment. */
  place(name: string, madeAtMs?: number): Promise<string>;
}

async function open(t: TestContext, { hasSite = false, madeAtMs = Date.now() } = {}): Promise<Scene> {
  const directory = temporaryDirectory(t);
  const clock = new FakeClock(Date.now());
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line).msg) });
  const authority = await openCertificateAuthority({
    directory: join(directory, 'pki'),
    clock,
    names: { dns: ['controller.drover'], ip: [] },
  });
  let look: Promise<unknown> = Promise.resolve();
  const watched = {
    get controller() {
      return authority.controller;
    },
    renew() {
      const looking = authority.renew();
      look = looking;
      return looking;
    },
  };
  const looked = () => look.then(() => new Promise((resolve) => setImmediate(resolve)));
  const certFile = join(directory, 'site.pem');
  const keyFile = join(directory, 'site-key.pem');
  const ca = await issueIssuingCa(await issueRoot('site', Date.now()), 'controller', Date.now());
  const place = async (name: string, madeAtMs = Date.now()) => {
    const { certificate, privateKey } = await issueController(ca, { dns: [name], ip: [] }, madeAtMs);
    await writeFile(certFile, certificate.toString('pem'));
    await writeFile(keyFile, await encodePrivateKey(privateKey));
    return certificate.toString('pem');
  };
  if (hasSite) await place('drover.example', madeAtMs);
  const siteFiles = hasSite ? { certFile, keyFile } : undefined;
  const served = await ServedCertificates.open({ authority: watched, siteFiles, clock, log });
  t.after(() => served[Symbol.dispose]());
  const changes: Served[] = [];
  served.onChange((change) => changes.push(change));
  return { clock, served, changes, lines, looked, certFile, place };
}

const namesIn = ({ cert }: { readonly cert: string }) => new X509Certificate(cert).subjectAltName;

test('ServedCertificates renews the cluster’s own while the controller runs, a year before its end', async (t) => {
  const { clock, served, changes, lines, looked } = await open(t);
  const first = served.current.own.cert;
  const startedAtMs = clock.wallMs();
  await clock.advance(yearMs - 3 * dayMs);
  await looked();
  while (changes.length === 0) {
    await clock.advance(dayMs);
    await looked();
    assert.ok(clock.wallMs() < startedAtMs + 1.5 * yearMs);
  }
  assert.ok(clock.wallMs() >= startedAtMs + yearMs);
  assert.notEqual(changes[0]?.own.cert, first);
  assert.equal(changes[0]?.site, changes[0]?.own, 'without a certificate of the site everybody gets it');
  assert.ok(
    new X509Certificate(served.current.own.cert).validToDate.getTime() > clock.wallMs() + 1.9 * yearMs,
  );
  assert.deepEqual(lines, ['the certificate of the controller was renewed']);
});

test('ServedCertificates.reload() takes what is in the files now', async (t) => {
  const { served, changes, place } = await open(t, { hasSite: true });
  assert.equal(namesIn(served.current.site), 'DNS:drover.example');
  await place('new.example');
  await served.reload();
  assert.equal(changes.length, 1);
  assert.equal(namesIn(served.current.site), 'DNS:new.example');
  assert.equal(namesIn(served.current.own), 'DNS:controller.drover');
});

test('ServedCertificates.reload() keeps the old one when the new is of no use, and says why in one line', async (t) => {
  const { served, changes, lines, certFile, place } = await open(t, { hasSite: true });
  const good = await place('drover.example');
  const cases: readonly (readonly [() => Promise<unknown>, RegExp])[] = [
    [() => writeFile(certFile, 'garbage'), /site\.pem holds no certificate/],
    [() => place('old.example', Date.now() - 3 * yearMs), /site\.pem expired at \S+Z/],
    [
      async () => {
        await place('other.example');
        await writeFile(certFile, good);
      },
      /site-key\.pem is not the key of \S+site\.pem/,
    ],
  ];
  for (const [spoil, why] of cases) {
    await spoil();
    await served.reload();
    const line = lines.pop() ?? '';
    assert.match(line, why);
    assert.match(line, /^the site's certificate cannot be used: .*; the one before stays in use$/);
    assert.equal(namesIn(served.current.site), 'DNS:drover.example');
  }
  assert.equal(changes.length, 0);
});

test('ServedCertificates.open() starts with one that has expired, and warns: the cluster need not stand still for browsers', async (t) => {
  const { served, lines } = await open(t, { hasSite: true, madeAtMs: Date.now() - 3 * yearMs });
  assert.equal(namesIn(served.current.site), 'DNS:drover.example');
  assert.match(lines[0] ?? '', /^the site's certificate expired at \S+Z$/);
});

test('ServedCertificates.reload() says so where there is no certificate of the site', async (t) => {
  const { served, lines } = await open(t);
  await served.reload();
  assert.deepEqual(lines, ['there is no certificate of the site to read again']);
});
