/**
 * Takes a fleet of simulated nodes into a cluster while its controller is not running: keys and certificates by the cluster's
 * own authority, rows by its store, all in one transaction. A join of each over the API would give the same, and take two
 * connections and a sync each: minutes for ten thousand.
 */
import 'reflect-metadata';
import { KeyObject, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LinkCredentials } from '#agent/session/connect-link.ts';
import { type Clock, systemClock } from '#base/clock.ts';
import { lockDirectory } from '#base/directory-lock.ts';
import {
  type CertificateAuthority,
  openCertificateAuthority,
  rootCertificatePath,
} from '#controller/auth/certificate-authority.ts';
import { keyFingerprint } from '#controller/auth/certificate-request.ts';
import { generateKeys } from '#controller/auth/certificates.ts';
import { serverNames } from '#controller/auth/server-names.ts';
import { newEvent } from '#controller/store/new-event.ts';
import { newNode } from '#controller/store/new-node.ts';
import { openSqliteStore } from '#controller/store/open-store.ts';
import type { NodeName } from '#protocol/ids.ts';

/** A node that has joined. */
export interface FleetNode {
  readonly name: NodeName;
  readonly credentials: LinkCredentials;
}

/** Certificates under way at once: the thread pool signs. */
const atOnce = 16;

/**
 * Enrols nodes of these names in the data directory of a controller, which is made if need be.
 *
 * @throws DirectoryInUseError while a controller runs there; StoreError when there is such a node already.
 */
export async function enrolFleet(
  dataDirectory: string,
  names: readonly NodeName[],
  clock: Clock = systemClock,
): Promise<readonly FleetNode[]> {
  await using resources = new AsyncDisposableStack();
  resources.use(lockDirectory(dataDirectory, 'a fleet that joins'));
  const directory = join(dataDirectory, 'pki');
  const mustBeThere = existsSync(rootCertificatePath(directory));
  const store = resources.use(await openSqliteStore({ path: join(dataDirectory, 'drover.db'), mustBeThere }));
  const authority = await openCertificateAuthority({ directory, clock, names: serverNames(['127.0.0.1']) });
  const enrolled = await mapAtOnce(names, (name) => enrol(authority, name, clock));
  await store.transact(async (writer) => {
    for (const { record } of enrolled) await writer.insertNode(record);
    await writer.insertEvents(names.map((node) => newEvent(clock.wallMs(), 'node.joined', { node })));
  });
  return enrolled.map(({ node }) => node);
}

async function enrol(authority: CertificateAuthority, name: NodeName, clock: Clock) {
  const { publicKey, privateKey } = await generateKeys();
  const spki = KeyObject.from(publicKey).export({ type: 'spki', format: 'der' });
  const fingerprint = keyFingerprint(spki);
  const chain = await authority.issueNode({ name, publicKey, generation: 1 });
  const key = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  const certificate = chain.map((der) => new X509Certificate(der).toString()).join('');
  const node: FleetNode = { name, credentials: { key, certificate, root: authority.rootPem } };
  const record = newNode({
    name,
    keyFingerprint: fingerprint,
    labels: {},
    joinedAtMs: clock.wallMs(),
  });
  return { node, record };
}

async function mapAtOnce<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await map(items[i] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return results;
}
