/**
 * Keeps each output of a living attempt below a quota: the oldest bytes are given back to the disk, and the floor below which
 * they are gone is recorded before. Offsets stay what they were, and the task does not notice.
 *
 * A file is punched by the supervisor, since Node cannot. Where the filesystem does not know holes, files stay whole: renaming
 * one would not help, since the task goes on writing to the file that it has open.
 */
import { constants } from 'node:os';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { KeptLog } from './kept-log.ts';
import { type OutputName, outputNames, outputNumbers } from './outputs.ts';

/** Holes begin and end at blocks; one of a smaller part would free nothing. */
const blockBytes = 4_096;

/** A file is punched when it is this part of its quota above it: seldom, and much at a time. */
const slackPart = 1 / 8;

/**
 * An output that somebody follows keeps what he has not read up to so many quotas, so that a fast task does not outrun a reader
 * who is only slower. 512 MiB by default: beyond, or when the node is above its own quota, he is told what is gone.
 */
const followedQuotas = 8;

/** The pause after a hole that was not made, milliseconds. */
const retryMs = 1_000;

/**
 * Gives the bytes of one output before `end` back to the disk. @param stream 1 for stdout, 2 for stderr.
 *
 * @throws an error with the system's `errno` when it was refused, or any other when nobody knows.
 */
export type PunchHole = (id: string, stream: 1 | 2, end: bigint) => Promise<void>;

/** What a quota needs. */
export interface StreamQuotaOptions {
  /** Bytes that one output keeps. */
  readonly bytesMax: number;
  /** Whether the node is below its own quota. */
  readonly nodeHasRoom: () => boolean;
  readonly punch: PunchHole;
  readonly clock: Clock;
  readonly log: Logger;
}

interface OutputState {
  /** A hole that is being made. */
  busy: Promise<void> | undefined;
  punchedTo: number;
  notBeforeMs: number;
}

/** The quota of every output of a node. */
export class StreamQuota {
  readonly #options: StreamQuotaOptions;
  readonly #states = new WeakMap<KeptLog, Record<OutputName, OutputState>>();
  #unsupported = false;

  constructor(options: StreamQuotaOptions) {
    this.#options = options;
  }

  /**
   * Begins to make room where an output is above the quota. Does not wait, and does not throw.
   *
   * @returns whether it is to be looked at again although nothing is written: somebody who follows it holds bytes back.
   */
  check(log: KeptLog): boolean {
    for (const name of outputNames) {
      const state = this.#stateOf(log)[name];
      if (state.busy || !this.#isDue(log, name, state)) continue;
      state.busy = this.#makeRoom(log, name, state).finally(() => {
        state.busy = undefined;
        // For what was written meanwhile.
        this.check(log);
      });
    }
    return outputNames.some((name) => this.#isHeldBack(log, name));
  }

  /** Makes room for the last time: resolves when nothing of the attempt is being punched any more. */
  async settle(log: KeptLog): Promise<void> {
    const busy = () => outputNames.map((name) => this.#stateOf(log)[name].busy);
    await Promise.all(busy());
    this.check(log);
    await Promise.all(busy());
  }

  #stateOf(log: KeptLog): Record<OutputName, OutputState> {
    const known = this.#states.get(log);
    if (known) return known;
    const fresh = (): OutputState => ({ busy: undefined, punchedTo: 0, notBeforeMs: 0 });
    const states = { stdout: fresh(), stderr: fresh() };
    this.#states.set(log, states);
    return states;
  }

  #isDue(log: KeptLog, name: OutputName, { punchedTo, notBeforeMs }: OutputState): boolean {
    const { bytesMax, clock } = this.#options;
    if (this.#unsupported || clock.monotonicMs() < notBeforeMs) return false;
    const due = this.#goalOf(log, name) - log.floors[name] > bytesMax * slackPart;
    return due || punchedTo < log.floors[name];
  }

  #isHeldBack(log: KeptLog, name: OutputName): boolean {
    const { bytesMax } = this.#options;
    return !this.#unsupported && log.sizes[name] - bytesMax * (1 + slackPart) > this.#goalOf(log, name);
  }

  /** Up to where an output is to be gone. */
  #goalOf(log: KeptLog, name: OutputName): number {
    const { bytesMax, nodeHasRoom } = this.#options;
    const size = log.sizes[name];
    if (!nodeHasRoom()) return size - bytesMax;
    return Math.max(size - followedQuotas * bytesMax, Math.min(size - bytesMax, log.readByAll(name)));
  }

  async #makeRoom(log: KeptLog, name: OutputName, state: OutputState): Promise<void> {
    const { punch, clock } = this.#options;
    const before = log.floors;
    const goal = Math.floor(this.#goalOf(log, name) / blockBytes) * blockBytes;
    const floor = Math.max(before[name], goal);
    try {
      if (floor > before[name]) await log.moveFloor(name, floor);
      await punch(log.id, outputNumbers[name], BigInt(floor));
      state.punchedTo = floor;
    } catch (error) {
      state.notBeforeMs = clock.monotonicMs() + retryMs;
      await this.#explain(error as NodeJS.ErrnoException, log, name, before[name]);
    }
  }

  async #explain(
    error: NodeJS.ErrnoException,
    target: KeptLog,
    name: OutputName,
    floor: number,
  ): Promise<void> {
    const { log } = this.#options;
    if (error.errno !== constants.errno.EOPNOTSUPP) {
      log.debug({ attempt: target.id, output: name, err: error }, 'old output could not be given back');
      return;
    }
    if (!this.#unsupported) {
      this.#unsupported = true;
      log.warn(
        { directory: target.directory },
        'this filesystem knows no holes in files: what a task prints is kept whole, above the quota too',
      );
    }
    // Nothing of it is gone.
    await target.moveFloor(name, floor).catch(() => {});
  }
}
