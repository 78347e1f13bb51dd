/**
 * The prompt of `drover controller --shell`: `drover shell`, a program of its own, on the controller's terminal and with its own way
 * in over the public API, like anybody's. What is typed and printed is no business of the controller's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { droverCommand } from '#base/installation.ts';

/** Begins with its construction. Disposing of it ends it, and waits until the terminal is as it was. */
export class OwnShell implements AsyncDisposable {
  /** Resolves to its exit code when it was left; 128+n for a signal. Rejects with the system's error where it cannot be started. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;

  /** @param dataDirectory of this controller, with the access file. */
  constructor(dataDirectory: string) {
    const { file, args } = droverCommand(['shell', '--data', dataDirectory]);
    this.#child = spawn(file, args, { stdio: 'inherit' });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
    this.ended.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.ended.catch(() => {});
  }
}
