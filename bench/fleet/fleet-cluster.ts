/** A controller of its own process with a fleet of simulated agents in others, for measurements of many nodes. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseHostPort } from '#base/host-port.ts';
import { type RunningController, startController } from '#bench/cluster/bench-cluster.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { enrolFleet, type FleetNode } from '#test/sim-agent/enrol-fleet.ts';
import { SimulatedFleet } from '#test/sim-agent/simulated-fleet.ts';

/** What it is made of. */
export interface FleetClusterOptions {
  /** The release's launcher. */
  readonly drover: string;
  /** Where its files may be. */
  readonly directory: string;
  readonly agents: number;
}

/** Agents in one process: twice as many would be near its limit on descriptors. */
const agentsPerProcess = 5_000;

/** A cluster whose controller runs, and whose agents come when they are started. Disposing of it stops everything. */
export class FleetCluster implements AsyncDisposable {
  readonly #options: FleetClusterOptions;
  readonly #nodes: readonly FleetNode[];
  #controller: RunningController;
  #fleet: SimulatedFleet | undefined;

  private constructor(
    options: FleetClusterOptions,
    nodes: readonly FleetNode[],
    controller: RunningController,
  ) {
    this.#options = options;
    this.#nodes = nodes;
    this.#controller = controller;
  }

  /** Enrols nodes sim1 … and starts the controller. */
  static async start(options: FleetClusterOptions): Promise<FleetCluster> {
    const data = dataOf(options);
    mkdirSync(options.directory, { recursive: true });
    const names = Array.from({ length: options.agents }, (_, i) => `sim${i + 1}`);
    const nodes = await enrolFleet(data, names);
    return new FleetCluster(options, nodes, await startController(options.drover, data));
  }

  /** What the nodes are known by. */
  get nodes(): readonly FleetNode[] {
    return this.#nodes;
  }

  get controllerPid(): number {
    return this.#controller.pid;
  }

  get connection(): Connection {
    return this.#controller.connection;
  }

  get fleet(): SimulatedFleet {
    if (!this.#fleet) throw new Error('no agent was started');
    return this.#fleet;
  }

  /** Starts all agents; resolves when the controller has let them in. */
  async startAgents(): Promise<void> {
    const address = parseHostPort(await this.#agentAddress());
    if (!address) throw new Error('the controller tells no address for agents');
    const { agents, directory } = this.#options;
    const processes = Math.ceil(agents / agentsPerProcess);
    this.#fleet = await SimulatedFleet.start(this.#nodes, { address, directory, processes });
  }

  /** Kills the controller and starts it again where it was; resolves when it is ready, whoever is back by then. */
  async restartController(): Promise<void> {
    const agentListen = await this.#agentAddress();
    this.#controller.connection[Symbol.dispose]();
    await this.#controller.kill();
    this.#controller = await startController(this.#options.drover, dataOf(this.#options), { agentListen });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fleet?.[Symbol.asyncDispose]();
    await this.#controller[Symbol.asyncDispose]();
  }

  async #agentAddress(): Promise<string> {
    return (await this.connection.cluster.getCluster({})).agentAddress;
  }
}

function dataOf({ directory }: FleetClusterOptions): string {
  return join(directory, 'controller');
}
