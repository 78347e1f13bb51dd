/**
 * Signs how far the audit has come: at the start, a minute after the first row that is not signed yet, after a thousand of them, and
 * at the end. A place that cannot be written to gets the newest one at the next look; those between are not missed, since each
 * covers all rows before it.
 *
 *   rows ──► wait: 60 s, 1,000 rows, or the end ──► sign the last row ──► every place that does not have it
 *     ▲                                                                          │ failed: in the log, and again
 *     └──────────────────────────────────────────────────────────────────────────┘
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import {
  type AuditCheckpoint,
  keyFingerprint,
  readCheckpoint,
  signCheckpoint,
} from '#base/audit-checkpoint.ts';
import { type Clock, delay } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { makeDirectory } from '#base/make-directory.ts';
import type { Store } from '#controller/store/store.ts';
import { limits } from '#protocol/limits.ts';
import { openAuditKey } from './audit-key.ts';
import {
  type CheckpointPlace,
  type CheckpointSink,
  checkpointSink,
  findLastLine,
} from './checkpoint-sink.ts';

/** What it needs. */
export interface CheckpointOptions {
  /** The audit's own, within the controller's data: the key, and checkpoints that are always kept. */
  readonly directory: string;
  /** A key elsewhere; undefined: one in `directory`, made if need be. */
  readonly keyFile?: string | undefined;
  /** Where else to. */
  readonly places: readonly CheckpointPlace[];
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Begins to sign. Disposing of it signs once more.
 *
 * @throws AuditKeyError, DirectoryError.
 */
export async function startCheckpoints(options: CheckpointOptions): Promise<AsyncDisposable> {
  const { directory, keyFile, places, store } = options;
  makeDirectory(directory);
  const key = await openAuditKey(keyFile ?? join(directory, 'key.pem'), keyFile === undefined);
  const own = join(directory, 'checkpoints');
  const sinks = [{ to: 'directory', path: own } as const, ...places].map((place) =>
    checkpointSink(place, key),
  );
  const cluster = await store.read.clusterId();
  const checkpoints = new Checkpoints(options, { key, cluster, sinks });
  await checkpoints.compareWith(await findLastLine(own));
  checkpoints.begin();
  return checkpoints;
}

/** A place, and how far it has come. */
interface Destination {
  readonly sink: CheckpointSink;
  written: number;
}

class Checkpoints implements AsyncDisposable {
  readonly #options: CheckpointOptions;
  readonly #key: KeyObject;
  readonly #cluster: string;
  readonly #destinations: readonly Destination[];
  readonly #stop = new AbortController();
  readonly #listening: Disposable;
  /** Commits with rows since the last look. */
  #news = 0;
  #wake = Promise.withResolvers<void>();
  #full = Promise.withResolvers<void>();
  #looping: Promise<void> | undefined;

  constructor(
    options: CheckpointOptions,
    { key, cluster, sinks }: { key: KeyObject; cluster: string; sinks: readonly CheckpointSink[] },
  ) {
    this.#options = options;
    this.#key = key;
    this.#cluster = cluster;
    this.#destinations = sinks.map((sink) => ({ sink, written: 0 }));
    this.#listening = options.store.onAudit(() => {
      this.#news++;
      this.#wake.resolve();
      if (this.#news >= limits.auditCheckpointRows) this.#full.resolve();
    });
  }

  /** Says in the log where the audit is not what was signed last: somebody changed it while no controller ran. */
  async compareWith(line: string | undefined): Promise<void> {
    const { log, store } = this.#options;
    if (line === undefined) return;
    const publicKey = createPublicKey(this.#key);
    const last = readCheckpoint(line, new Map([[keyFingerprint(publicKey), publicKey]]));
    if (typeof last === 'string' || last.cluster !== this.#cluster) {
      log.warn(
        { why: typeof last === 'string' ? last : 'is of another cluster' },
        'the last checkpoint of the audit cannot be used',
      );
      return;
    }
    const [row] = await store.read.listAudit(last.sequence - 1, 1);
    if (row?.sequence === last.sequence && row.hash === last.hash) return;
    const { sequence } = last;
    log.error(
      { sequence },
      'the audit is not what was signed last: drover audit verify says from which row on',
    );
  }

  begin(): void {
    this.#looping = this.#loop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    this.#stop.abort();
    this.#wake.resolve();
    await this.#looping;
    await this.#sign(AbortSignal.timeout(limits.auditSinkTimeoutMs));
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stop;
    let isBehind = await this.#sign(signal);
    while (!signal.aborted) {
      if (!isBehind) await this.#wake.promise;
      await Promise.race([this.#pause(), this.#full.promise]);
      this.#news = 0;
      this.#wake = Promise.withResolvers();
      this.#full = Promise.withResolvers();
      if (!signal.aborted) isBehind = await this.#sign(signal);
    }
  }

  async #pause(): Promise<void> {
    await delay(this.#options.clock, limits.auditCheckpointMs, this.#stop.signal).catch(() => {});
  }

  /** Gives the newest one to every place that lacks it; true where one could not take it. Never rejects. */
  async #sign(abort: AbortSignal): Promise<boolean> {
    const { store, log } = this.#options;
    try {
      const [row] = await store.read.listAuditBefore(Number.MAX_SAFE_INTEGER, 1);
      if (!row) return false;
      const { sequence, hash } = row;
      const checkpoint = { cluster: this.#cluster, sequence, hash, atMs: this.#options.clock.wallMs() };
      const behind = this.#destinations.filter(({ written }) => written < sequence);
      const kept = await Promise.all(behind.map((destination) => this.#give(destination, checkpoint, abort)));
      return kept.includes(false);
    } catch (error) {
      log.error({ err: error }, 'cannot sign a checkpoint of the audit');
      return true;
    }
  }

  async #give(destination: Destination, checkpoint: AuditCheckpoint, abort: AbortSignal): Promise<boolean> {
    const { sink } = destination;
    try {
      await sink.write(signCheckpoint(checkpoint, this.#key), checkpoint.atMs, abort);
      destination.written = checkpoint.sequence;
      return true;
    } catch (error) {
      this.#options.log.error(
        { err: error, place: sink.name },
        'cannot keep a checkpoint of the audit there',
      );
      return false;
    }
  }
}
