/**
 * The output of one attempt that is not over, as its keeper has it: how long its files are, since when, and how much of their
 * beginnings is gone. It looks when it is told to.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { readFloors, recordFloors } from './floor-file.ts';
import type { Growing } from './growth-watch.ts';
import { floorName, noBytes, type OutputName, type OutputSizes, timesName } from './outputs.ts';
import { entriesOfLook, type FileLook, type TimeEntry } from './time-index.ts';
import { TimeIndexWriter } from './time-index-writer.ts';

const noFile: FileLook = { size: 0, mtimeMs: 0 };

/** What a kept log needs of its keeper. */
export interface KeptLogOptions {
  readonly clock: Clock;
  /** Entries of the index of times at the most. */
  readonly timesMax: number;
  /** Something was written; called within `look`. */
  onGrowth(log: KeptLog): void;
}

/** One attempt's output. */
export class KeptLog implements Growing {
  readonly id: string;
  readonly directory: string;
  readonly #options: KeptLogOptions;
  readonly #index: TimeIndexWriter;
  readonly #paths: Readonly<Record<OutputName, string>>;
  #last: TimeEntry = { timeMs: 0, ...noBytes };
  #floors: OutputSizes = noBytes;
  /** Floors are recorded one after the other. */
  #moving: Promise<void> = Promise.resolve();
  #growth = 0;
  #awaiting = 0;
  readonly #waiting = new Set<() => void>();
  readonly #followers = new Set<(name: OutputName) => number>();

  /** Of an attempt that has not begun. */
  constructor(id: string, directory: string, options: KeptLogOptions) {
    this.id = id;
    this.directory = directory;
    this.#options = options;
    this.#paths = { stdout: join(directory, 'stdout'), stderr: join(directory, 'stderr') };
    this.#index = new TimeIndexWriter(join(directory, timesName), options.timesMax);
  }

  /** Goes on where an earlier agent stopped: what was written meanwhile counts as written when its file last was. */
  async resume(): Promise<void> {
    this.#last = this.#index.resume() ?? this.#last;
    this.#floors = await readFloors(join(this.directory, floorName));
    this.#take(undefined);
  }

  /** How long the outputs were at the last look. */
  get sizes(): OutputSizes {
    return this.#last;
  }

  /** How much of their beginnings is gone. */
  get floors(): OutputSizes {
    return this.#floors;
  }

  /** Bytes that they keep on the disk. */
  get keptBytes(): number {
    const { stdout, stderr } = this.#last;
    return Math.max(0, stdout - this.#floors.stdout) + Math.max(0, stderr - this.#floors.stderr);
  }

  /**
   * Changes how much of the beginning of an output counts as gone: first on disk, then for readers.
   *
   * @throws the system's error; nothing has changed then.
   */
  async moveFloor(name: OutputName, floor: number): Promise<void> {
    const moving = this.#moving.then(async () => {
      const floors = { ...this.#floors, [name]: floor };
      await recordFloors(join(this.directory, floorName), floors);
      this.#floors = floors;
    });
    this.#moving = moving.catch(() => {});
    await moving;
  }

  /** Entries that are not in the index on disk, after those that are. */
  get unwritten(): readonly TimeEntry[] {
    return this.#index.waiting;
  }

  /** Counts the looks that found something new. */
  get growth(): number {
    return this.#growth;
  }

  get isAwaited(): boolean {
    return this.#awaiting > 0;
  }

  awaited(): Disposable {
    this.#awaiting += 1;
    let waits = true;
    return {
      [Symbol.dispose]: () => {
        if (waits) this.#awaiting -= 1;
        waits = false;
      },
    };
  }

  followed(offsetOf: (name: OutputName) => number): Disposable {
    const own = (name: OutputName) => offsetOf(name);
    this.#followers.add(own);
    return { [Symbol.dispose]: () => void this.#followers.delete(own) };
  }

  /** How far everybody who follows an output has read; Infinity where nobody does. */
  readByAll(name: OutputName): number {
    return Math.min(...[...this.#followers].map((offsetOf) => offsetOf(name)));
  }

  concerns(name: string): boolean {
    return name !== timesName && name !== floorName;
  }

  look(): boolean {
    return this.#take(this.#options.clock.wallMs());
  }

  /** Resolves when `growth` is not `seen` any more, or when `until` aborts. */
  async grown(seen: number, until: AbortSignal): Promise<void> {
    if (this.#growth !== seen || until.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#waiting.add(wake);
    until.addEventListener('abort', wake, { once: true });
    await promise;
    this.#waiting.delete(wake);
    until.removeEventListener('abort', wake);
  }

  /** Writes the index. @throws the system's error; what was to be written waits on. */
  flush(): void {
    this.#index.flush();
  }

  #take(nowMs: number | undefined): boolean {
    const looks = { stdout: this.#stat('stdout'), stderr: this.#stat('stderr') };
    const entries = entriesOfLook(this.#last, looks, nowMs);
    const last = entries.at(-1);
    if (!last) return false;
    this.#index.add(entries);
    this.#last = last;
    this.#growth++;
    for (const wake of this.#waiting) wake();
    this.#options.onGrowth(this);
    return true;
  }

  #stat(name: OutputName): FileLook {
    try {
      return statSync(this.#paths[name], { throwIfNoEntry: false }) ?? noFile;
    } catch {
      return noFile; // a disk that fails: as if nothing had been written
    }
  }
}
