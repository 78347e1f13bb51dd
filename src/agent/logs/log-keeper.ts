/**
 * Keeps the output of a node's attempts: looks at the files of those that are not over, says when they were written, and holds
 * both outputs and node to their quotas. The files are written by the tasks; nothing here is in their way, and what fails
 * here costs times or room, never output.
 *
 *   begin ──► kept: looked at ──growth──► index of times (flushed each second), quota of the stream
 *                │
 *                └── end ──► the index is whole, the directory counts among the ended: the oldest go first
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { limits } from '#protocol/limits.ts';
import { GrowthWatch } from './growth-watch.ts';
import { KeptLog } from './kept-log.ts';
import { LogDirectories } from './log-directories.ts';
import { type LogOrigin, readEndedLog } from './log-origin.ts';
import type { LogQuota } from './log-quota.ts';
import { type OutputSizes, outputNames } from './outputs.ts';
import { type PunchHole, StreamQuota } from './stream-quota.ts';
import { isBeyond } from './time-index.ts';

/** The pause between two times that indexes are written and the node's quota is looked at, milliseconds. */
const tidyMs = 1_000;

/** What a keeper needs. */
export interface LogKeeperOptions {
  /** Directory of the attempts' directories; made if need be. */
  readonly root: string;
  readonly quota: LogQuota;
  readonly punch: PunchHole;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Kept {
  readonly log: KeptLog;
  readonly over: AbortSignal;
  readonly watching: Disposable;
}

/** The output of all attempts of a node. */
export class LogKeeper implements AsyncDisposable {
  readonly #options: LogKeeperOptions;
  readonly #directories: LogDirectories;
  readonly #quota: StreamQuota;
  readonly #watch: GrowthWatch;
  readonly #kept = new Map<string, Kept>();
  /** Those whose index is not written. */
  readonly #dirty = new Set<KeptLog>();
  #tidyTimer: Disposable | undefined;
  #tidying: Promise<void> = Promise.resolve();
  #failing = false;
  /** What the attempts that are not over kept when that was last looked at. */
  #livingBytes = 0;

  private constructor(options: LogKeeperOptions, directories: LogDirectories) {
    const { quota, punch, clock, log } = options;
    this.#options = options;
    this.#directories = directories;
    const nodeHasRoom = () => this.#livingBytes < quota.nodeBytesMax;
    this.#quota = new StreamQuota({ bytesMax: quota.streamBytesMax, nodeHasRoom, punch, clock, log });
    this.#watch = new GrowthWatch(clock, log);
  }

  /** @param isOver whether the attempt of that id is over; the others are to `begin` again. @throws the system's error. */
  static async open(options: LogKeeperOptions, isOver: (attemptId: string) => boolean): Promise<LogKeeper> {
    const directories = await LogDirectories.open(options.root, options.log, isOver);
    const keeper = new LogKeeper(options, directories);
    keeper.#tidySoon();
    return keeper;
  }

  /** The directory of an attempt, whether it is there or not. */
  pathOf(id: string): string {
    return this.#directories.pathOf(id);
  }

  /** Whether the attempt has an output: then it was started, or a start of it was tried. */
  hasOutput(id: string): boolean {
    const directory = this.pathOf(id);
    // A new one has none, and is asked for once.
    return existsSync(directory) && outputNames.some((name) => existsSync(join(directory, name)));
  }

  /**
   * Makes the directory of an attempt and looks after it until its `end`. Twice is once.
   *
   * @param over aborts when nothing of it is left, before `end` is called.
   * @throws the system's error.
   */
  async begin(id: string, over: AbortSignal): Promise<void> {
    const isNew = this.#directories.make(id);
    const log = new KeptLog(id, this.pathOf(id), {
      clock: this.#options.clock,
      timesMax: limits.logTimesMax,
      onGrowth: (grown) => this.#grown(grown),
    });
    if (!isNew && !this.#kept.has(id)) await log.resume();
    if (this.#kept.has(id) || over.aborted) return;
    this.#kept.set(id, { log, over, watching: this.#watch.add(log) });
  }

  /**
   * Nothing of the attempt is left. Resolves when everything about its output is on disk; never rejects. Twice is once.
   *
   * @param written how much it has written in all, where that is known: then there may be nothing to look at.
   */
  async end(id: string, written?: OutputSizes): Promise<void> {
    const kept = this.#kept.get(id);
    if (!kept) return;
    const { log, watching } = kept;
    watching[Symbol.dispose]();
    if (!written || isBeyond(written, log.sizes)) log.look();
    await this.#quota.settle(log);
    this.#write(log);
    this.#dirty.delete(log);
    this.#kept.delete(id);
    const { stdout, stderr } = log.sizes;
    this.#directories.retire(id, stdout + stderr === 0);
    this.#tidySoon();
  }

  /** Number of the attempt of `taskId` that is kept, the latest for 0; undefined where there is none. */
  findAttempt(taskId: string, attempt: number): Promise<number | undefined> {
    return this.#directories.findAttempt(taskId, attempt);
  }

  /** What a reader needs of an attempt that is kept. @throws the system's error. */
  async originOf(id: string, attempt: number): Promise<LogOrigin> {
    const kept = this.#kept.get(id);
    if (kept) return { attempt, over: kept.over, log: kept.log };
    return { attempt, over: AbortSignal.abort(), log: await readEndedLog(this.pathOf(id)) };
  }

  /** Stops looking; tasks go on writing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]();
    for (const { log } of this.#kept.values()) log.look();
    this.#tidyTimer?.[Symbol.dispose]();
    for (const log of this.#dirty) this.#write(log);
    await this.#tidying;
  }

  #grown(log: KeptLog): void {
    this.#dirty.add(log);
    this.#quota.check(log);
    this.#tidySoon();
  }

  #tidySoon(): void {
    this.#tidyTimer ??= this.#options.clock.schedule(tidyMs, () => {
      this.#tidyTimer = undefined;
      this.#tidying = this.#tidying.then(() => this.#tidy());
    });
  }

  async #tidy(): Promise<void> {
    for (const log of this.#dirty) {
      if (this.#write(log)) this.#dirty.delete(log);
    }
    if (this.#dirty.size > 0) this.#tidySoon();
    this.#livingBytes = 0;
    for (const { log } of this.#kept.values()) {
      this.#livingBytes += log.keptBytes;
      if (this.#quota.check(log)) this.#tidySoon();
    }
    await this.#directories.makeRoom(this.#options.quota.nodeBytesMax - this.#livingBytes);
  }

  #write(log: KeptLog): boolean {
    try {
      log.flush();
      this.#failing = false;
      return true;
    } catch (error) {
      const reason = (error as Error).message;
      if (!this.#failing) this.#options.log.warn({ reason }, 'times of output cannot be written');
      this.#failing = true;
      return false;
    }
  }
}
