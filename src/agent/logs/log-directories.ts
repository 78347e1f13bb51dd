/**
 * Where the output of attempts is: <root>/<task id>.<attempt>/. Of ended attempts the latest are kept, up to a number and
 * a size; those of attempts that are not over are never removed. Opens no output.
 */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Logger } from '#base/log.ts';
import { makeDirectory } from '#base/make-directory.ts';
import { attemptId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { floorName, outputNames, timesName } from './outputs.ts';

/** Of which st_blocks counts, whatever the filesystem's are. */
const statBlockBytes = 512;

/**
 * Directories that take no more than this are removed in the loop itself, which takes 50 µs; the thread pool's six steps take
 * several times as much of the processor. Freeing very much could hold the loop up.
 */
const removedAtOnceBytesMax = 1 << 20;

/** An ended attempt's directory. */
interface Ended {
  readonly id: string;
  /** What it takes on the disk. */
  readonly bytes: number;
}

/** The directories of one node's attempts. */
export class LogDirectories {
  readonly #root: string;
  readonly #log: Logger;
  /** Oldest first. */
  readonly #ended: Ended[] = [];
  #endedBytes = 0;

  private constructor(root: string, log: Logger) {
    this.#root = root;
    this.#log = log;
  }

  /** @param isOver whether the attempt of that id is over. @throws the system's error. */
  static async open(
    root: string,
    log: Logger,
    isOver: (attemptId: string) => boolean,
  ): Promise<LogDirectories> {
    makeDirectory(root);
    const directories = new LogDirectories(root, log);
    for (const id of await idsByAge(root)) {
      if (isOver(id)) directories.retire(id);
    }
    return directories;
  }

  /** Makes the directory of an attempt that is not over. @returns false where it was there. @throws the system's error. */
  make(id: string): boolean {
    if (mkdirSync(this.pathOf(id), { recursive: true, mode: 0o700 }) !== undefined) return true;
    this.#keep(id);
    return false;
  }

  /** The directory of an attempt, whether it is there or not. */
  pathOf(id: string): string {
    return `${this.#root}/${id}`; // not by join, which costs more than the rest of what it is asked for
  }

  /** The attempt is over: its output may be removed when room is needed. @param isEmpty whether there is none. */
  retire(id: string, isEmpty = false): void {
    const bytes = isEmpty ? 0 : allocatedBytes(this.pathOf(id));
    this.#ended.push({ id, bytes });
    this.#endedBytes += bytes;
  }

  /** Removes the oldest until the ended ones are no more than limits.agentLogDirectoriesMax and take no more than `bytesMax`. */
  async makeRoom(bytesMax: number): Promise<void> {
    while (this.#ended.length > limits.agentLogDirectoriesMax || this.#endedBytes > Math.max(0, bytesMax)) {
      const oldest = this.#ended.shift();
      if (!oldest) return;
      this.#endedBytes -= oldest.bytes;
      await this.#remove(oldest);
      // There may be a thousand of them, and others wait for the loop.
      await setImmediate();
    }
  }

  /** Not to be removed, though it was thought to be over. */
  #keep(id: string): void {
    const at = this.#ended.findIndex((ended) => ended.id === id);
    if (at < 0) return;
    this.#endedBytes -= this.#ended[at]?.bytes ?? 0;
    this.#ended.splice(at, 1);
  }

  async #remove({ id, bytes }: Ended): Promise<void> {
    const path = this.pathOf(id);
    try {
      if (bytes <= removedAtOnceBytesMax) rmSync(path, { recursive: true, force: true });
      else await rm(path, { recursive: true, force: true });
    } catch (error) {
      this.#log.warn({ id, reason: (error as Error).message }, 'old output cannot be removed');
    }
  }

  /** Number of the attempt of `taskId` that is kept, the latest for 0; undefined where there is none. */
  async findAttempt(taskId: string, attempt: number): Promise<number | undefined> {
    const names = new Set(await readdir(this.#root));
    if (attempt > 0) return names.has(attemptId(taskId, attempt)) ? attempt : undefined;
    const numbers = [...names]
      .filter((name) => name.startsWith(`${taskId}.`))
      .map((name) => Number(name.slice(taskId.length + 1)))
      .filter(Number.isSafeInteger);
    return numbers.length === 0 ? undefined : Math.max(...numbers);
  }
}

function allocatedBytes(directory: string): number {
  const paths = [directory, ...[...outputNames, timesName, floorName].map((name) => join(directory, name))];
  return paths.reduce((sum, path) => sum + blocksOf(path) * statBlockBytes, 0);
}

function blocksOf(path: string): number {
  try {
    return statSync(path, { throwIfNoEntry: false })?.blocks ?? 0;
  } catch {
    return 0;
  }
}

async function idsByAge(root: string): Promise<string[]> {
  const aged: { id: string; mtimeMs: number }[] = [];
  for (const id of await readdir(root)) {
    const directory = await stat(join(root, id)).catch(() => undefined);
    if (!directory?.isDirectory()) continue;
    const written = outputNames.map((name) => statSync(join(root, id, name), { throwIfNoEntry: false }));
    const mtimes = [directory, ...written].map((found) => found?.mtimeMs ?? 0);
    aged.push({ id, mtimeMs: Math.max(...mtimes) });
  }
  return aged.sort((a, b) => a.mtimeMs - b.mtimeMs).map(({ id }) => id);
}
