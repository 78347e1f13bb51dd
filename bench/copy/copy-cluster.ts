/** A whole cluster of the release, as `drover up` starts it, and its commands. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Daemon } from '#bench/cluster/daemon.ts';

/** A running cluster; its nodes are node1, node2 … Disposing of it stops it. */
export class CopyCluster implements AsyncDisposable {
  readonly #drover: string;
  readonly #data: string;
  readonly #daemon: Daemon;

  private constructor(drover: string, data: string, daemon: Daemon) {
    this.#drover = drover;
    this.#data = data;
    this.#daemon = daemon;
  }

  static async start(drover: string, directory: string, nodes: number): Promise<CopyCluster> {
    const data = join(directory, 'cluster');
    const ports = ['--listen', '127.0.0.1:0', '--agent-listen', '127.0.0.1:0'];
    const args = ['up', '--nodes', String(nodes), ...ports, '--no-shell'];
    return new CopyCluster(drover, data, await Daemon.start(drover, args, { DROVER_DATA: data }));
  }

  /** Runs a command to its end. @throws when it fails. */
  async run(...args: readonly string[]): Promise<void> {
    const env = { ...process.env, DROVER_DATA: this.#data };
    const child = spawn(this.#drover, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    const said = child.stderr.setEncoding('utf8').toArray();
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`drover ${args.join(' ')} ended with ${code}: ${(await said).join('')}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#daemon[Symbol.asyncDispose]();
  }
}
