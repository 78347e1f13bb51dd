/**
 * Gives nodes new certificates over their sessions, at half of the life of those that they have. It is the controller that looks at the
 * clock: its own is the one by which certificates are judged. What failed is tried again; the certificate has days left.
 *
 *   due ──► recorded and signed ──TakeCertificate──► on the node's disk ──Result──► lower generations are refused
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { EventRecord, Store, StoreWriter } from '#controller/store/store.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import type { AgentPeer, AgentSession, PeerCertificate } from './agent-session.ts';

/** Who certifies nodes. */
export interface Certifier {
  /** Records and makes the next certificate of a node, in the writer's transaction. @param why for the audit. */
  renew(
    writer: StoreWriter,
    peer: AgentPeer,
    why: string,
  ): Promise<{ readonly generation: number; readonly certificates: readonly Uint8Array[] }>;
  /** Notes that a node's key is in two places; gives the events to record. */
  noteClone(node: NodeName, shown: number, used: number): readonly EventRecord[];
}

/** What renewing needs. */
export interface RenewalsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Evenly in [0, 1): nodes that joined together do not renew together. */
  readonly random: () => number;
  readonly certifier: Certifier;
}

/** When a certificate is to be renewed, wall clock: at half of its life, 10 % sooner or later. @param random in [0, 1). */
export function renewalDueMs({ beginsMs, endsMs }: PeerCertificate, random: number): number {
  return beginsMs + (endsMs - beginsMs) * (0.45 + 0.1 * random);
}

/** Disposing of it waits for what is under way; the sessions are to be closed before. */
export class Renewals implements AsyncDisposable {
  readonly #options: RenewalsOptions;
  /** When each session's certificate is due, wall clock; Infinity once it was renewed or is being renewed. */
  readonly #dueMs = new WeakMap<AgentSession, number>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: RenewalsOptions) {
    this.#options = options;
  }

  /** Looks which are due. To be called every second or so. */
  tick(sessions: Iterable<AgentSession>): void {
    const nowMs = this.#options.clock.wallMs();
    for (const session of sessions) {
      if (this.#underWay.size >= limits.renewalsAtOnceMax) return;
      if (session.state !== 'open' || !session.takesCertificates) continue;
      if (this.#due(session) > nowMs) continue;
      this.#dueMs.set(session, Number.POSITIVE_INFINITY);
      const renewing = this.#renew(session).finally(() => this.#underWay.delete(renewing));
      this.#underWay.add(renewing);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #due(session: AgentSession): number {
    const known = this.#dueMs.get(session);
    if (known !== undefined) return known;
    const dueMs = renewalDueMs(session.peer.certificate, this.#options.random());
    this.#dueMs.set(session, dueMs);
    return dueMs;
  }

  /** Never rejects. */
  async #renew(session: AgentSession): Promise<void> {
    const { store, clock, log, certifier, random } = this.#options;
    const { node, peer } = session;
    try {
      const atMs = clock.wallMs();
      const { generation, certificates } = await store.transact((writer) =>
        certifier.renew(writer, peer, 'half of its life is over'),
      );
      await this.#give(session, certificates);
      await store.transact((writer) => writer.confirmGeneration(node, generation));
      log.info({ node, generation }, 'certificate of a node renewed');
      const { beginsMs, endsMs } = peer.certificate;
      const next = { generation, beginsMs: atMs, endsMs: atMs + endsMs - beginsMs };
      this.#dueMs.set(session, renewalDueMs(next, random()));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.warn({ node, why }, 'the certificate of a node could not be renewed over its session');
      this.#dueMs.set(session, clock.wallMs() + limits.renewalRetryMs);
    }
  }

  async #give(session: AgentSession, certificates: readonly Uint8Array[]): Promise<void> {
    const late = new AbortController();
    using _timeout = this.#options.clock.schedule(limits.renewalTimeoutMs, () =>
      late.abort(new Error('the agent did not answer')),
    );
    await session.ask(
      (commandId) => ({
        case: 'takeCertificate',
        value: { commandId, certificates: [...certificates] },
      }),
      late.signal,
    );
  }
}
