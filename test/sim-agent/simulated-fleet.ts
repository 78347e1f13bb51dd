/**
 * Simulated agents by the thousand, in processes of their own: no process may have more descriptors than its limit, and whoever
 * measures a controller does not want to be measured with it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostPort } from '#base/host-port.ts';
import type { FleetNode } from './enrol-fleet.ts';

/** What a worker is asked. It answers each with its status. */
export type WorkerRequest = StartAgents | { readonly kind: 'status' };

/** Starts agents of these nodes. */
export interface StartAgents {
  readonly kind: 'start';
  readonly address: HostPort;
  readonly directory: string;
  readonly nodes: readonly FleetNode[];
  readonly dialsAtOnce: number;
}

/** How the agents are. */
export interface FleetStatus {
  readonly agents: number;
  /** Those whose session is up. */
  readonly linked: number;
  /** How often they were let in, all together. */
  readonly welcomes: number;
  /** When the latest of them was, wall clock, milliseconds. */
  readonly lastWelcomeAtMs: number;
  /** Starts that came, the same again included. */
  readonly ordered: number;
  /** Tasks whose end the controller has acknowledged, within the last hour. */
  readonly settled: number;
}

/** Where the agents are, and what they dial. */
export interface FleetOptions {
  readonly address: HostPort;
  /** Any directory that exists; nothing is written there. */
  readonly directory: string;
  /** Default 1. */
  readonly processes?: number;
  /**
   * Agents of one process that dial at the same time for the first time. Default 16, with which a fleet is there soonest; Infinity is
   * a herd.
   */
  readonly dialsAtOnce?: number;
}

const askAgainMs = 50;

/** A fleet that runs. Disposing of it stops all of its agents. */
export class SimulatedFleet implements AsyncDisposable {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  /** Starts agents of these nodes, the same number in each process; resolves when the controller has let all of them in. */
  static async start(nodes: readonly FleetNode[], options: FleetOptions): Promise<SimulatedFleet> {
    const { address, directory, processes = 1, dialsAtOnce = 16 } = options;
    const workers = Array.from({ length: processes }, () => new Worker());
    const fleet = new SimulatedFleet(workers);
    const order = { kind: 'start', address, directory, dialsAtOnce } as const;
    const share = Math.ceil(nodes.length / processes);
    await Promise.all(
      workers.map((worker, i) => worker.ask({ ...order, nodes: nodes.slice(i * share, (i + 1) * share) })),
    );
    return fleet;
  }

  /** Process ids. */
  get pids(): readonly number[] {
    return this.#workers.map(({ pid }) => pid);
  }

  /** How they all are now. */
  async status(): Promise<FleetStatus> {
    const parts = await Promise.all(this.#workers.map((worker) => worker.ask({ kind: 'status' })));
    const sum = (read: (status: FleetStatus) => number) =>
      parts.reduce((total, part) => total + read(part), 0);
    return {
      agents: sum(({ agents }) => agents),
      linked: sum(({ linked }) => linked),
      welcomes: sum(({ welcomes }) => welcomes),
      lastWelcomeAtMs: Math.max(...parts.map(({ lastWelcomeAtMs }) => lastWelcomeAtMs)),
      ordered: sum(({ ordered }) => ordered),
      settled: sum(({ settled }) => settled),
    };
  }

  /** Waits until every agent was let in `welcomes` times and has its session. @throws after `withinMs`, with how many have not. */
  async allLinked(withinMs: number, welcomes = 1): Promise<FleetStatus> {
    const giveUpAtMs = performance.now() + withinMs;
    for (;;) {
      const status = await this.status();
      if (status.linked === status.agents && status.welcomes >= welcomes * status.agents) return status;
      if (performance.now() > giveUpAtMs) {
        throw new Error(`${status.linked} of ${status.agents} agents are linked after ${withinMs / 1000} s`);
      }
      await sleep(askAgainMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker[Symbol.asyncDispose]()));
  }
}

/** One process of agents. */
class Worker implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Answers come in the order of the questions. */
  #latest: Promise<unknown> = Promise.resolve();

  constructor() {
    const program = join(import.meta.dirname, 'fleet-worker.ts');
    this.#child = fork(program, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  ask(request: WorkerRequest): Promise<FleetStatus> {
    const answer = this.#latest.then(() => this.#askNow(request));
    this.#latest = answer.catch(() => {});
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    await ended;
  }

  async #askNow(request: WorkerRequest): Promise<FleetStatus> {
    const over = new AbortController();
    const ended = once(this.#child, 'exit', { signal: over.signal }).then(([code, signal]) => {
      throw new Error(`a process of simulated agents ended with ${signal ?? code}`);
    });
    const answered = once(this.#child, 'message', { signal: over.signal });
    this.#child.send(request);
    const [status] = await Promise.race([answered, ended]).finally(() => over.abort());
    return status;
  }
}
