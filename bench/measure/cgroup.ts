/**
 * A cgroup for everything of one side of a comparison: it counts the CPU time of all that ever ran in it, also of what has ended
 * and whoever reaped it, and nothing outlives it. Cgroup v2, mounted anywhere, needs no controller for that.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SkippedError } from './take-turns.ts';

const askAgainMs = 20;

/** A cgroup beneath our own. Disposing of it kills what is left in it, and so does the end of this process. */
export class Cgroup implements AsyncDisposable {
  readonly #directory: string;
  readonly #kill = () => writeFileSync(join(this.#directory, 'cgroup.kill'), '1');

  private constructor(directory: string) {
    this.#directory = directory;
    process.on('exit', this.#kill);
  }

  /** Makes one; the name must be of no other one of this process. @throws SkippedError where that is not possible. */
  static create(name: string): Cgroup {
    const directory = join(findOwn(), `drover-bench-${process.pid}-${name}`);
    try {
      mkdirSync(directory);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new SkippedError(`cannot make the cgroup ${directory}: ${code}`);
    }
    return new Cgroup(directory);
  }

  /** The command line that runs `argv` in it. */
  enter(...argv: readonly string[]): [string, ...string[]] {
    return ['sh', '-c', 'echo 0 > "$0" && exec "$@"', join(this.#directory, 'cgroup.procs'), ...argv];
  }

  /** User and system time of everything that ever ran in it. */
  cpuSeconds(): number {
    const text = readFileSync(join(this.#directory, 'cpu.stat'), 'utf8');
    return Number(/^usage_usec (\d+)$/m.exec(text)?.[1]) / 1e6;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#kill);
    this.#kill();
    while (/^populated 1$/m.test(readFileSync(join(this.#directory, 'cgroup.events'), 'utf8'))) {
      await sleep(askAgainMs);
    }
    removeTree(this.#directory);
  }
}

/** The directory of the cgroup v2 that we are in. @throws SkippedError where there is none. */
function findOwn(): string {
  const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  const point = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(
    readFileSync('/proc/self/mountinfo', 'utf8'),
  )?.[1];
  if (path === undefined || point === undefined) throw new SkippedError('there is no cgroup v2 here');
  return join(point, path);
}

function removeTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  }
  rmdirSync(directory);
}
