/**
 * Refusals as rows of the audit. The first of its kind is recorded at once; those that follow within a minute are counted, and are
 * one row more. So a script that asks again and again, or a stranger, cannot fill the audit, and nothing is left out of it.
 *
 *   refused ──► new? ──yes──► row          a kind: one operator's same request, refused for the same reason; all strangers together
 *                └──no──► counted ──a minute after the first──► row with "repeated"
 */

import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '#base/canonical-json.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { auditRecord } from '#controller/auth/audit-entry.ts';
import type { Store } from '#controller/store/store.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { limits } from '#protocol/limits.ts';

/** What was refused. */
export interface Refusal {
  /** Undefined for a stranger. */
  readonly who: string | undefined;
  readonly verb: Verb;
  readonly method: string;
  readonly reason: string;
  /** Folded node set that it is about. */
  readonly nodes?: string;
  /** What was asked, where that was read. */
  readonly request?: Json;
}

interface Kind {
  readonly first: Refusal;
  repeated: number;
  readonly timer: Disposable;
}

/** What it needs. */
export interface RefusalRecorderParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Writes them. Disposing of it writes what was counted. */
export class RefusalRecorder implements AsyncDisposable {
  readonly #parts: RefusalRecorderParts;
  readonly #kinds = new Map<string, Kind>();

  constructor(parts: RefusalRecorderParts) {
    this.#parts = parts;
  }

  /** Resolves when it is recorded or counted. Never rejects: what cannot be recorded is in the log, and was refused all the same. */
  async record(refusal: Refusal): Promise<void> {
    const { who, method, reason } = refusal;
    this.#parts.log.warn({ method, who: who ?? '-', reason }, 'call refused');
    const key = this.#kindOf(refusal);
    const known = this.#kinds.get(key);
    if (known) {
      known.repeated++;
      return;
    }
    const timer = this.#parts.clock.schedule(limits.auditRepeatsMs, () => void this.#over(key));
    this.#kinds.set(key, { first: refusal, repeated: 0, timer });
    await this.#write(refusal, {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#kinds.keys()].map((key) => this.#over(key)));
  }

  /** Where there are many already, what one operator asks of one method is one kind. */
  #kindOf({ who, method, reason, request = null }: Refusal): string {
    if (who === undefined) return '';
    if (this.#kinds.size >= limits.auditRepeatsKindsMax) return `${who} ${method}`;
    return createHash('sha256')
      .update(canonicalJson([who, method, reason, request]))
      .digest('hex');
  }

  async #over(key: string): Promise<void> {
    const kind = this.#kinds.get(key);
    this.#kinds.delete(key);
    if (!kind) return;
    kind.timer[Symbol.dispose]();
    if (kind.repeated > 0) await this.#write(kind.first, { repeated: kind.repeated });
  }

  async #write(
    { who, verb, method, nodes = '', reason, request }: Refusal,
    more: { readonly [key: string]: Json },
  ) {
    const { store, clock, log } = this.#parts;
    const asked: { readonly [key: string]: Json } = request === undefined ? {} : { request };
    const record = auditRecord({
      atMs: clock.wallMs(),
      who,
      verb,
      decision: 'denied',
      nodes,
      request: { method, ...asked, ...more },
      reason,
    });
    try {
      await store.transact((writer) => writer.insertAudit(record));
    } catch (error) {
      log.error({ err: error, method, who: who ?? '-' }, 'cannot record a refusal');
    }
  }
}
