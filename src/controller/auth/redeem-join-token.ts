/**
 * Lets a node in. One transaction takes a use of the token, checks the name and records the node, so that of two nodes
 * with the same token exactly one comes in, and a refused one has used nothing up.
 *
 *   take a use ──no──► TOKEN_REFUSED      name free ──no──► NAME_REFUSED
 *        └──yes──► name allowed ──yes──────►┘  └──yes──► certificate, node, audit row ──► commit
 */

import type { Clock } from '#base/clock.ts';
import { newEvent } from '#controller/store/new-event.ts';
import { newNode } from '#controller/store/new-node.ts';
import type { JoinTokenRecord, Store, StoreWriter } from '#controller/store/store.ts';
import { nodeSetMatches } from '#core/node-set/node-set-matches.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { quote } from '#core/quote.ts';
import { RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { isNodeName, type NodeName } from '#protocol/ids.ts';
import { auditRecord } from './audit-entry.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { type RequestedKey, verifyCertificateRequest } from './certificate-request.ts';
import { hashesEqual, hashSecret } from './secrets.ts';

/** What a node sends to be let in. Nothing of it is believed. */
export interface JoinWish {
  readonly tokenId: string;
  readonly secret: Uint8Array;
  readonly name: string;
  /** PKCS #10, DER. */
  readonly certificateRequest: Uint8Array;
}

/** What redeeming needs. */
export interface JoinTokenDesk {
  readonly store: Store;
  readonly clock: Clock;
  readonly authority: Pick<CertificateAuthority, 'issueNode'>;
}

/**
 * Records the node and gives it a certificate (DER, leaf first); durable when this resolves.
 *
 * @throws RefusedError INVALID for a malformed name or request, TOKEN_REFUSED, NAME_REFUSED. The caller records
 *   a refusal.
 */
export async function redeemJoinToken(desk: JoinTokenDesk, wish: JoinWish): Promise<Uint8Array[]> {
  if (!isNodeName(wish.name)) {
    throw new RefusedError('INVALID', `${quote(wish.name)} cannot be a node's name`);
  }
  const name = wish.name;
  const key = await verifyCertificateRequest(wish.certificateRequest);
  return desk.store.transact((writer) => admit(desk, writer, wish, name, key));
}

async function admit(
  { clock, authority }: JoinTokenDesk,
  writer: StoreWriter,
  wish: JoinWish,
  name: NodeName,
  key: RequestedKey,
): Promise<Uint8Array[]> {
  const atMs = clock.wallMs();
  const token = await takeUse(writer, wish, atMs);
  await requireFreeName(writer, token, name, key);
  const keyFingerprint = key.fingerprint;
  await writer.insertNode(newNode({ name, keyFingerprint, labels: token.labels, joinedAtMs: atMs }));
  const generation = await writer.nextGeneration(name);
  const certificates = await authority.issueNode({ name, publicKey: key.publicKey, generation });
  await writer.insertAudit(joinRecord(atMs, token.id, name, { keyFingerprint }));
  await writer.insertEvents([newEvent(atMs, 'node.joined', { node: name, data: { token: token.id } })]);
  return certificates;
}

async function takeUse(writer: StoreWriter, wish: JoinWish, nowMs: number): Promise<JoinTokenRecord> {
  const hash = hashSecret(wish.secret);
  const taken = await writer.consumeJoinToken(wish.tokenId, hash, nowMs);
  const token = await writer.findJoinToken(wish.tokenId);
  if (taken && token) return token;
  throw new RefusedError('TOKEN_REFUSED', explainRefusal(token, hash, nowMs));
}

/** An unknown id and a wrong secret read the same, so that nobody learns which ids exist. */
function explainRefusal(token: JoinTokenRecord | undefined, hash: string, nowMs: number): string {
  if (!token || !hashesEqual(token.secretHash, hash))
    return 'the join token is not one of this cluster, or was revoked';
  if (token.expiresAtMs <= nowMs) {
    return `join token ${token.id} expired at ${new Date(token.expiresAtMs).toISOString()}`;
  }
  return `join token ${token.id} is used up`;
}

async function requireFreeName(
  writer: StoreWriter,
  token: JoinTokenRecord,
  name: NodeName,
  key: RequestedKey,
): Promise<void> {
  if (token.names !== '' && !nodeSetMatches(parseNodeSet(token.names), name)) {
    throw new RefusedError(
      'NAME_REFUSED',
      `join token ${token.id} does not allow the name ${name}, only ${token.names}`,
      [name],
    );
  }
  if (await writer.findNode(name)) {
    throw new RefusedError('NAME_REFUSED', `another node has the name ${name}`, [name]);
  }
  const removed = await writer.findRemovedNode(key.fingerprint);
  if (removed) {
    throw new RefusedError(
      'NAME_REFUSED',
      `${name} cannot join with the key of ${removed.name}, which was removed`,
      [name],
    );
  }
  if (await writer.findNodeByKey(key.fingerprint)) {
    throw new RefusedError('NAME_REFUSED', `${name} cannot join with a key that another node has`, [name]);
  }
}

function joinRecord(
  atMs: number,
  tokenId: string,
  name: NodeName,
  request: { readonly [key: string]: string },
) {
  return auditRecord({
    atMs,
    who: `join-token ${tokenId}`,
    verb: Verb.ANYONE,
    decision: 'allowed',
    nodes: name,
    request: { method: 'Join', ...request },
  });
}
