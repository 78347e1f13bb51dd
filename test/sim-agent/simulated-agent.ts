/**
 * One simulated agent: a node that has joined, and its link to the controller by the agent's own session code. What it lacks
 * is a host: its tasks are scripts, its facts are made up, and nothing of it is on a disk.
 */
import { create } from '@bufbuild/protobuf';
import type { LinkCredentials } from '#agent/session/connect-link.ts';
import { keepLinked } from '#agent/session/keep-linked.ts';
import { planReconnect } from '#agent/session/plan-reconnect.ts';
import { type Clock, delay, systemClock } from '#base/clock.ts';
import type { HostPort } from '#base/host-port.ts';
import { version } from '#base/installation.ts';
import { createLog } from '#base/log.ts';
import type { Welcome } from '#protocol/gen/drover/v1/link_pb.ts';
import { type HostFacts, HostFactsSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import { SimulatedTasks } from './simulated-tasks.ts';

/** What a simulated agent is started with. */
export interface SimulatedAgentOptions {
  readonly name: string;
  readonly credentials: LinkCredentials;
  /** Of the controller's agent listener, or of a proxy before it. */
  readonly address: HostPort;
  /** Any directory that exists; nothing is written there. */
  readonly directory: string;
  /** Default the machine's. */
  readonly clock?: Clock;
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number;
}

const log = createLog('sim-agent', 'silent');

/** A running simulated agent. Dispose of it to stop it: its session closes, and its tasks are forgotten. */
export class SimulatedAgent implements AsyncDisposable {
  readonly name: string;
  /** Resolves with the reason when the controller wants the node no more; with undefined when it was stopped. */
  readonly dismissed: Promise<string | undefined>;
  /** Resolves when the controller has let it in for the first time. */
  readonly ready: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #options: SimulatedAgentOptions;
  readonly #tasks: SimulatedTasks;
  readonly #stop = new AbortController();
  #cut = new AbortController();
  #welcomes = 0;
  #welcomedAtMs = 0;
  #spreadMs = 0;

  private constructor(options: SimulatedAgentOptions, tasks: SimulatedTasks) {
    this.name = options.name;
    this.#options = options;
    this.#tasks = tasks;
    this.ready = this.#ready.promise;
    this.dismissed = this.#keepLinked();
  }

  /** Starts one that has no tasks yet, and begins to dial. */
  static async start(options: SimulatedAgentOptions): Promise<SimulatedAgent> {
    const { directory, clock = systemClock } = options;
    const tasks = await SimulatedTasks.open({ directory, clock, log, onCut: () => agent.cut() });
    const agent = new SimulatedAgent(options, tasks);
    return agent;
  }

  /** Whether its session is up. */
  get isLinked(): boolean {
    return this.#tasks.isLinked;
  }

  /** How often the controller has let it in. */
  get welcomes(): number {
    return this.#welcomes;
  }

  /** When it did so last, wall clock, milliseconds; 0 for never. */
  get welcomedAtMs(): number {
    return this.#welcomedAtMs;
  }

  /** Starts that came, the same again included. */
  get ordered(): number {
    return this.#tasks.ordered;
  }

  /** Tasks whose end the controller has acknowledged, within the last hour. */
  get settled(): number {
    return this.#tasks.settled;
  }

  /** The connection is lost: it comes back as any agent does. */
  cut(): void {
    this.#cut.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.dismissed;
    await this.#tasks[Symbol.asyncDispose]();
  }

  async #keepLinked(): Promise<string | undefined> {
    const { address, credentials, clock = systemClock, random = Math.random } = this.#options;
    const readFacts = async () => this.#facts();
    const onWelcome = (welcome: Welcome) => this.#welcomed(welcome, clock);
    const parts = { workload: this.#tasks, clock, log, random, version, readFacts, onWelcome };
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#cut = new AbortController();
      const lost = AbortSignal.any([signal, this.#cut.signal]);
      const reason = await keepLinked({ address, credentials: async () => credentials, ...parts }, lost);
      if (reason !== undefined) return reason;
      const end = { reason: 'cut', welcomed: true };
      const plan = planReconnect(end, { failures: 0, spreadMs: this.#spreadMs }, random());
      if (plan.kind === 'retry') await delay(clock, plan.delayMs, signal).catch(() => {});
    }
    return undefined;
  }

  #welcomed({ reconnectSpreadMs }: Welcome, clock: Clock): void {
    this.#welcomes += 1;
    this.#welcomedAtMs = clock.wallMs();
    this.#spreadMs = reconnectSpreadMs;
    this.#ready.resolve();
  }

  /** As long as those of a small server. */
  #facts(): HostFacts {
    const gibibyte = 1n << 30n;
    return create(HostFactsSchema, {
      hostname: this.name,
      os: 'Debian GNU/Linux 12 (bookworm)',
      kernel: '6.1.0-28-amd64',
      arch: 'x86_64',
      cpus: 4,
      memoryBytes: 16n * gibibyte,
      bootId: this.#tasks.bootId,
      disks: [{ mount: '/', type: 'ext4', sizeBytes: 100n * gibibyte, freeBytes: 60n * gibibyte }],
      addresses: ['192.0.2.1'],
      loadMillis: [120, 90, 80],
      memoryAvailableBytes: 12n * gibibyte,
    });
  }
}
