/** A controller in this process and nodes that have joined it, for tests that start simulated agents as they like. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { v7 as uuid } from 'uuid';
import { type HostPort, parseHostPort } from '#base/host-port.ts';
import { createLog } from '#base/log.ts';
import { type Connection, connectCluster } from '#cli/connect-cluster.ts';
import { type Controller, startController } from '#controller/controller.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { enrolFleet, type FleetNode } from './enrol-fleet.ts';
import { SimulatedAgent } from './simulated-agent.ts';

/** A cluster without agents at first; everything of it is gone when its test is over. */
export class SimulatedCluster {
  readonly directory: string;
  readonly nodes: readonly FleetNode[];
  /** The last first: what a test registers by `after` itself comes in the order of the registrations. */
  readonly #resources = new AsyncDisposableStack();
  #controller: Controller | undefined;
  #connection: Connection | undefined;

  private constructor(t: TestContext, directory: string, nodes: readonly FleetNode[]) {
    this.directory = directory;
    this.nodes = nodes;
    this.#resources.defer(() => rmSync(directory, { recursive: true, force: true }));
    this.#resources.defer(() => this.stopController());
    t.after(() => this.#resources.disposeAsync());
  }

  /** Enrols nodes of these names and starts the controller. */
  static async start(t: TestContext, names: readonly NodeName[]): Promise<SimulatedCluster> {
    const directory = mkdtempSync(join(tmpdir(), 'drover-simulated-'));
    const nodes = await enrolFleet(join(directory, 'controller'), names);
    const cluster = new SimulatedCluster(t, directory, nodes);
    await cluster.startController();
    return cluster;
  }

  /** The API. */
  get api(): Connection {
    if (!this.#connection) throw new Error('the controller does not run');
    return this.#connection;
  }

  /** The agents' listener; stays the same over a restart. */
  get address(): HostPort {
    const address = parseHostPort(this.#controller?.agentAddress ?? '');
    if (!address) throw new Error('the controller does not run');
    return address;
  }

  /** Starts the agent of every node; they are stopped before the controller when the test is over. */
  startAgents(address: HostPort = this.address): Promise<SimulatedAgent[]> {
    return Promise.all(
      this.nodes.map(async ({ name, credentials }) => {
        const { directory } = this;
        return this.#resources.use(await SimulatedAgent.start({ name, credentials, address, directory }));
      }),
    );
  }

  /** Launches the command on every node. */
  async run(...argv: string[]): Promise<Task[]> {
    return (await this.api.runs.createRun({ id: uuid(), nodes: '@all', spec: { argv } })).tasks;
  }

  /** Starts the controller on the port for agents that it had, if it had one. */
  async startController(port = 0): Promise<void> {
    this.#controller = await startController({
      dataDirectory: join(this.directory, 'controller'),
      listen: { host: '127.0.0.1', port: 0 },
      agentListen: { host: '127.0.0.1', port },
      log: createLog('controller', 'silent'),
    });
    this.#connection = connectCluster({
      address: this.#controller.address.slice('https://'.length),
      rootCertificate: this.#controller.rootCertificate,
      token: this.#controller.adminToken,
    });
  }

  /** Stops the controller in order. */
  async stopController(): Promise<void> {
    this.#connection?.[Symbol.dispose]();
    await this.#controller?.[Symbol.asyncDispose]();
    this.#connection = undefined;
    this.#controller = undefined;
  }
}
