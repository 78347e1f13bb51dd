/**
 * What a node is known by, in `<data>/identity`: its key, its certificate, the cluster's root, and its name. The directory
 * is there whole or not at all. Makes nothing up: join.ts gets what stands here.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { syncDirectory, writeFileAtomic } from '#base/atomic-file.ts';
import { formatHostPort, type HostPort, parseHostPort } from '#base/host-port.ts';
import { isNodeName } from '#protocol/ids.ts';
import type { LinkCredentials } from './session/connect-link.ts';

/** A node that has joined. */
export interface NodeIdentity {
  /** Its name in the cluster; that in its certificate. */
  readonly name: string;
  /** Random id of the cluster. */
  readonly clusterId: string;
  /** Where its controller takes agents. */
  readonly agentAddress: HostPort;
  /** Where it joined: the controller's API. Absent where an agent joined that did not note it. */
  readonly controller?: HostPort;
  readonly credentials: LinkCredentials;
}

/** The identity directory cannot be understood. The message says which file of it, and what to do. */
export class IdentityDamagedError extends Error {
  override readonly name = 'IdentityDamagedError';
}

const directoryName = 'identity';
const unfinishedPrefix = '.identity-';
const files = {
  key: 'key.pem',
  certificate: 'certificate.pem',
  root: 'root.pem',
  node: 'node.json',
} as const;

const nodeFile = z.strictObject({
  name: z.string().refine(isNodeName),
  clusterId: z.string(),
  agentAddress: z.string(),
  controller: z.string().optional(),
});

/**
 * The identity in the agent's state directory; undefined where the node has not joined.
 *
 * @throws IdentityDamagedError when it is there and not whole, or its parts do not belong together; the system's error when
 *   it cannot be read.
 */
export async function findIdentity(dataDirectory: string): Promise<NodeIdentity | undefined> {
  const directory = join(dataDirectory, directoryName);
  if (!(await isThere(directory))) return undefined;
  const read = (name: string) => readPart(directory, name);
  const node = parseNodeFile(directory, await read(files.node));
  const [key, certificate, root] = await Promise.all([
    read(files.key),
    read(files.certificate),
    read(files.root),
  ]);
  const credentials = { key, certificate, root };
  const problem = findProblem(credentials);
  if (problem !== undefined) throw damaged(directory, problem);
  return { ...node, credentials };
}

/**
 * Takes a certificate (PEM, with its issuer's) in place of the one that the node has, for the same name, key and root; durable when this
 * resolves.
 *
 * @throws IdentityDamagedError when it is none of this node: then nothing has changed; the system's error when it cannot be written.
 */
export async function replaceCertificate(
  dataDirectory: string,
  identity: NodeIdentity,
  certificate: string,
): Promise<NodeIdentity> {
  const credentials = { ...identity.credentials, certificate };
  const subject = parsed(() => new X509Certificate(certificate))?.subject;
  if (subject !== `CN=${identity.name}` || findProblem(credentials) !== undefined) {
    throw new IdentityDamagedError('the controller sent a certificate that is none of this node');
  }
  const path = join(dataDirectory, directoryName, files.certificate);
  await writeFileAtomic(path, certificate, 0o644);
  return { ...identity, credentials };
}

/**
 * Writes the identity of a node that has just joined: into a directory of its own, synced, then renamed. What an earlier
 * try that was killed has left is removed.
 *
 * @throws the system's error, also when the node has an identity already; nothing half-made is then left.
 */
export async function storeIdentity(dataDirectory: string, identity: NodeIdentity): Promise<void> {
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  await removeUnfinished(dataDirectory);
  const unfinished = await mkdtemp(join(dataDirectory, unfinishedPrefix));
  try {
    await writeParts(unfinished, identity);
    await rename(unfinished, join(dataDirectory, directoryName));
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(dataDirectory);
}

async function writeParts(directory: string, identity: NodeIdentity): Promise<void> {
  const { name, clusterId, agentAddress, controller, credentials } = identity;
  const node = {
    name,
    clusterId,
    agentAddress: formatHostPort(agentAddress),
    ...(controller && { controller: formatHostPort(controller) }),
  };
  await writeFileAtomic(join(directory, files.key), credentials.key);
  await writeFileAtomic(join(directory, files.certificate), credentials.certificate, 0o644);
  await writeFileAtomic(join(directory, files.root), credentials.root, 0o644);
  await writeFileAtomic(join(directory, files.node), `${JSON.stringify(node, undefined, 2)}\n`, 0o644);
}

async function removeUnfinished(dataDirectory: string): Promise<void> {
  for (const name of await readdir(dataDirectory)) {
    if (name.startsWith(unfinishedPrefix)) await rm(join(dataDirectory, name), { recursive: true });
  }
}

async function readPart(directory: string, name: string): Promise<string> {
  const text = await readFile(join(directory, name), 'utf8').catch(ignoreMissing);
  if (text === undefined) throw damaged(directory, `${name} is missing`);
  return text;
}

async function isThere(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(ignoreMissing);
  if (found && !found.isDirectory()) {
    throw new IdentityDamagedError(
      `this node's identity is damaged: ${directory} is a file; remove it and join again`,
    );
  }
  return found !== undefined;
}

/** Found here, since the other side could only say that it does not like the certificate. */
function findProblem({ key, certificate, root }: LinkCredentials): string | undefined {
  const privateKey = parsed(() => createPrivateKey(key));
  if (!privateKey) return `${files.key} is malformed`;
  const anchor = parsed(() => new X509Certificate(root));
  if (!anchor?.verify(anchor.publicKey)) return `${files.root} is malformed`;
  const chain = parsed(() => splitCertificates(certificate)) ?? [];
  if (!chain[0]?.checkPrivateKey(privateKey)) return `${files.certificate} is malformed`;
  const issuers = [...chain.slice(1), anchor];
  const isSigned = chain.every((link, i) => link.verify((issuers[i] ?? anchor).publicKey));
  return isSigned ? undefined : `${files.certificate} is malformed`;
}

/** The certificates of a PEM text, in its order. @throws where one is malformed. */
export function splitCertificates(pem: string): X509Certificate[] {
  const blocks = pem.split(/(?=-----BEGIN CERTIFICATE-----)/).filter((block) => block.trim() !== '');
  return blocks.map((block) => new X509Certificate(block));
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function parseNodeFile(directory: string, text: string) {
  const node = nodeFile.safeParse(parsed(() => JSON.parse(text)));
  const agentAddress = node.success ? parseHostPort(node.data.agentAddress) : undefined;
  const controller = parseHostPort(node.data?.controller ?? '');
  if (!node.success || !agentAddress) throw damaged(directory, `${files.node} is malformed`);
  const { name, clusterId } = node.data;
  return { name, clusterId, agentAddress, ...(controller && { controller }) };
}

function damaged(directory: string, what: string): IdentityDamagedError {
  return new IdentityDamagedError(
    `this node's identity is damaged: ${what} in ${directory}; remove that directory and join again`,
  );
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
