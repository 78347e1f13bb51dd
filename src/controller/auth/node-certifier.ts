/**
 * Gives nodes further certificates, each of a generation of its own and with its row in the audit, and says of which node the key is in
 * two places. Who may have one is proved before: by TLS on a session (dispatch), or by renew-expired.ts.
 */
import { webcrypto } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { newEvent } from '#controller/store/new-event.ts';
import type { EventRecord, StoreWriter } from '#controller/store/store.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { auditRecord } from './audit-entry.ts';
import type { CertificateAuthority } from './certificate-authority.ts';

/** What it needs. */
export interface NodeCertifierOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly authority: Pick<CertificateAuthority, 'issueNode'>;
}

/** A node whose key is proved. */
export interface ProvenNode {
  readonly node: NodeName;
  readonly keyFingerprint: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

/** A certificate that was given. */
export interface GivenCertificate {
  readonly generation: number;
  /** The node's and the issuing CA's, DER, leaf first. */
  readonly certificates: readonly Uint8Array[];
}

/** One for all of a controller. */
export class NodeCertifier {
  readonly #options: NodeCertifierOptions;
  /** When it was last told of a node, by `monotonicMs`. */
  readonly #told = new Map<NodeName, number>();

  constructor(options: NodeCertifierOptions) {
    this.#options = options;
  }

  /** Gives the next one, in the writer's transaction. @param why for the audit. */
  async renew(writer: StoreWriter, proven: ProvenNode, why: string): Promise<GivenCertificate> {
    const { clock, authority } = this.#options;
    const { node, keyFingerprint, spki } = proven;
    const publicKey = await importKey(spki);
    const generation = await writer.nextGeneration(node);
    const certificates = await authority.issueNode({ name: node, publicKey, generation });
    const request = { method: 'RenewCertificate', keyFingerprint, generation, why };
    await writer.insertAudit(
      auditRecord({
        atMs: clock.wallMs(),
        who: `node ${node}`,
        verb: Verb.ANYONE,
        decision: 'allowed',
        nodes: node,
        request,
      }),
    );
    return { generation, certificates };
  }

  /**
   * Notes that a node came with a certificate of a lower generation than one that was used. The event is for the caller to
   * record; there is none while the last is still fresh, so that who has a copy cannot push out what else is recorded.
   */
  noteClone(node: NodeName, shown: number, used: number): readonly EventRecord[] {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    const toldMs = this.#told.get(node);
    if (toldMs !== undefined && nowMs - toldMs < limits.cloneRepeatsMs) return [];
    this.#told.set(node, nowMs);
    log.error(
      { node, shown, used },
      'the key of a node is in two places: a certificate came that is older than one that was used',
    );
    const data = { shown: String(shown), used: String(used) };
    return [newEvent(clock.wallMs(), 'node.key-cloned', { node, data })];
  }
}

function importKey(spki: Uint8Array): Promise<webcrypto.CryptoKey> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  return webcrypto.subtle.importKey('spki', new Uint8Array(spki), algorithm, true, ['verify']);
}
