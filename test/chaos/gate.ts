/** The gate at which waiting tasks wait: a file that another process holds locked until the gate opens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A closed gate. Tasks that come later than `open` pass at once. */
export class Gate {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** Closes the gate at `path`. */
  static async close(path: string): Promise<Gate> {
    const stdio = ['pipe', 'pipe', 'inherit'] as const;
    const holder = spawn('flock', ['-x', path, 'sh', '-c', 'echo closed; cat'], { stdio: [...stdio] });
    await Promise.race([once(holder.stdout as NodeJS.ReadableStream, 'data'), once(holder, 'exit')]);
    return new Gate(holder);
  }

  /** Lets everybody pass. Twice is once. */
  async open(): Promise<void> {
    if (this.#holder.exitCode !== null) return;
    this.#holder.stdin?.end();
    await once(this.#holder, 'exit');
  }
}
