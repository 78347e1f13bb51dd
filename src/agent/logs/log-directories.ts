/**
 * Where the output of attempts is: <root>/<task id>.<attempt>/stdout and stderr. Keeps that of the latest ended attempts
 * (limits.agentLogDirectoriesMax); opens no output.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '#base/log.ts';
import { attemptId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';

/** The directories of one node's attempts. */
export class LogDirectories {
  readonly #root: string;
  readonly #log: Logger;
  /** Of ended attempts, oldest first. */
  readonly #ended: string[] = [];

  private constructor(root: string, log: Logger) {
    this.#root = root;
    this.#log = log;
  }

  /** @param isActive whether the attempt of that id has not ended, or its end is not acknowledged. @throws the system's error. */
  static async open(
    root: string,
    log: Logger,
    isActive: (attemptId: string) => boolean,
  ): Promise<LogDirectories> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    const directories = new LogDirectories(root, log);
    for (const id of await idsByAge(root)) {
      if (!isActive(id)) await directories.retire(id);
    }
    return directories;
  }

  /** Makes the directory of an attempt; no error where it is there. @throws the system's error. */
  async make(id: string): Promise<void> {
    await mkdir(this.pathOf(id), { recursive: true, mode: 0o700 });
  }

  /** The directory of an attempt, whether it is there or not. */
  pathOf(id: string): string {
    return join(this.#root, id);
  }

  /** The attempt is over for both sides: its output may be removed when enough later ones have ended. */
  async retire(id: string): Promise<void> {
    this.#ended.push(id);
    const old = this.#ended.splice(0, Math.max(0, this.#ended.length - limits.agentLogDirectoriesMax));
    for (const oldest of old) {
      await rm(this.pathOf(oldest), { recursive: true, force: true }).catch((error: Error) => {
        this.#log.warn({ id: oldest, reason: error.message }, 'old output cannot be removed');
      });
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

async function idsByAge(root: string): Promise<string[]> {
  const aged: { id: string; mtimeMs: number }[] = [];
  for (const id of await readdir(root)) {
    const found = await stat(join(root, id)).catch(() => undefined);
    if (found?.isDirectory()) aged.push({ id, mtimeMs: found.mtimeMs });
  }
  return aged.sort((a, b) => a.mtimeMs - b.mtimeMs).map(({ id }) => id);
}
