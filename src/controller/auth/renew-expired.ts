/**
 * Renews the certificate of a node that was away for longer than it was good for. The one way back in without a join token, so nothing
 * is believed: the certificate is judged whole (verify-node-certificate.ts), the caller proves on this very connection that it has
 * the key, and the store knows that key under that name and no certificate of a higher generation.
 */
import { createPublicKey, verify } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { NodeRecord, Store, StoreWriter } from '#controller/store/store.ts';
import { RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { auditRecord } from './audit-entry.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import type { NodeCertifier } from './node-certifier.ts';
import { type NodeCertificate, verifyNodeCertificate } from './verify-node-certificate.ts';

/** What a node sends. Nothing of it is believed. */
export interface RenewalWish {
  /** DER, leaf first. */
  readonly certificates: readonly Uint8Array[];
  /** Its signature over `binding`. */
  readonly proof: Uint8Array;
  /** What only the two ends of this connection know; undefined where there is none. */
  readonly binding: Uint8Array | undefined;
}

/** What renewing needs. */
export interface RenewalDesk {
  readonly store: Store;
  readonly clock: Clock;
  readonly authority: Pick<CertificateAuthority, 'rootDer'>;
  readonly certifier: NodeCertifier;
}

/**
 * Gives a new certificate (DER, leaf first); recorded when this resolves. A refusal of who has proved to have a genuine certificate is in
 * the audit.
 *
 * @throws RefusedError RENEWAL_REFUSED
 */
export async function renewExpired(
  desk: RenewalDesk,
  wish: RenewalWish,
): Promise<{ readonly node: NodeName; readonly certificates: readonly Uint8Array[] }> {
  const { store, clock, authority } = desk;
  const shown = await verifyNodeCertificate(wish.certificates, authority.rootDer, clock.wallMs());
  requireProof(shown, wish);
  try {
    const { certificates } = await store.transact(async (writer) => {
      await requireKnown(writer, shown);
      const proven = { node: shown.name, keyFingerprint: shown.fingerprint, spki: shown.spki };
      return desk.certifier.renew(writer, proven, 'expired');
    });
    return { node: shown.name, certificates };
  } catch (error) {
    if (error instanceof RefusedError) await recordRefusal(desk, shown, error);
    throw error;
  }
}

function requireProof({ spki }: NodeCertificate, { binding, proof }: RenewalWish): void {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  if (binding !== undefined && verify('sha256', binding, key, proof)) return;
  throw refused('its caller does not prove on this connection that it has the key of the certificate');
}

async function requireKnown(writer: StoreWriter, shown: NodeCertificate): Promise<void> {
  const { name, fingerprint, generation } = shown;
  const record = await writer.findNode(name);
  if (record?.keyFingerprint !== fingerprint) {
    const removed = await writer.findRemovedNode(fingerprint);
    throw refused(
      removed ? `node ${removed.name} was removed from this cluster` : `node ${name} has another key`,
    );
  }
  if (isOlder(shown, record)) {
    throw refused(
      `a newer certificate of node ${name} was used, so its key is in two places (generation ${generation}, used ${record.generation}): remove the node and let it join again`,
    );
  }
}

function isOlder(shown: NodeCertificate, record: NodeRecord): boolean {
  return shown.generation < record.generation;
}

async function recordRefusal(
  { store, clock, certifier }: RenewalDesk,
  shown: NodeCertificate,
  { message }: RefusedError,
): Promise<void> {
  await store.transact(async (writer) => {
    const record = await writer.findNode(shown.name);
    const isClone = record?.keyFingerprint === shown.fingerprint && isOlder(shown, record);
    if (isClone) {
      const events = certifier.noteClone(shown.name, shown.generation, record.generation);
      if (events.length === 0) return;
      await writer.insertEvents(events);
    }
    await writer.insertAudit(
      auditRecord({
        atMs: clock.wallMs(),
        who: `node ${shown.name}`,
        verb: Verb.ANYONE,
        decision: 'denied',
        nodes: shown.name,
        request: { method: 'RenewCertificate', keyFingerprint: shown.fingerprint },
        reason: message,
      }),
    );
  });
}

function refused(message: string): RefusedError {
  return new RefusedError('RENEWAL_REFUSED', `cannot renew: ${message}`);
}
