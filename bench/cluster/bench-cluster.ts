/** A controller and the agent of one node, real programs each, for measurements. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { Cgroup } from '#bench/measure/cgroup.ts';
import { readAccess } from '#cli/access-file.ts';
import { type Connection, connectCluster } from '#cli/connect-cluster.ts';
import { endingOf } from '#core/outcome.ts';
import type { Node } from '#protocol/gen/drover/v1/node_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { Daemon } from './daemon.ts';

/** Name of the only node. */
export const nodeName = 'node1';
const launchesAtOnce = 32;
const askAgainMs = 20;

/** How daemons of measurements are told to run. */
export const asDaemon = ['--log-level', 'error', '--until-stdin-closes'] as const;

/** A controller that runs, and a connection to it. */
export interface RunningController extends AsyncDisposable {
  readonly connection: Connection;
  readonly pid: number;
  /** Kills it with SIGKILL and waits for its end. */
  kill(): Promise<void>;
}

/** Where a controller listens and runs. */
export interface ControllerPlace {
  /** HOST:PORT of the agents' listener; default any free port. That of the API is always a free one. */
  readonly agentListen?: string;
  /** Default ours. */
  readonly cgroup?: Cgroup | undefined;
}

/** Starts a controller with its data in `directory`, and waits until it is ready. */
export async function startController(
  drover: string,
  directory: string,
  { agentListen = '127.0.0.1:0', cgroup }: ControllerPlace = {},
): Promise<RunningController> {
  const ports = ['--listen', '127.0.0.1:0', '--agent-listen', agentListen];
  const args = ['controller', '--data', directory, ...ports, ...asDaemon];
  const daemon = await Daemon.start(drover, args, {}, cgroup);
  const connection = connectCluster(readAccess(directory));
  return {
    connection,
    pid: daemon.pid,
    kill: () => daemon.end('SIGKILL'),
    async [Symbol.asyncDispose]() {
      connection[Symbol.dispose]();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

/** A running cluster of one node. Disposing of it stops everything, tasks too. */
export class BenchCluster implements AsyncDisposable {
  readonly connection: Connection;
  /** State directory of the agent's supervisor. */
  readonly supervisorDirectory: string;
  /** Where the command line finds the cluster. */
  readonly controllerDirectory: string;
  readonly #drover: string;
  readonly #agentDirectory: string;
  readonly #controller: RunningController;
  #agent: Daemon | undefined;

  private constructor(drover: string, directory: string, controller: RunningController) {
    this.#drover = drover;
    this.#controller = controller;
    this.connection = controller.connection;
    this.#agentDirectory = join(directory, nodeName);
    this.controllerDirectory = join(directory, 'controller');
    this.supervisorDirectory = join(this.#agentDirectory, 'supervisor');
  }

  /** Starts both programs of that `drover` in `directory`, and waits for the node's session. @param agentOptions more of the agent's. */
  static async start(
    drover: string,
    directory: string,
    agentOptions: readonly string[] = [],
  ): Promise<BenchCluster> {
    mkdirSync(directory, { recursive: true });
    const controller = await startController(drover, join(directory, 'controller'));
    const cluster = new BenchCluster(drover, directory, controller);
    const { token } = await cluster.connection.joinTokens.createJoinToken({ names: nodeName });
    const joining = ['--controller', cluster.connection.address, '--name', nodeName, '--preset', 'open'];
    await cluster.startAgent([...joining, ...agentOptions], { DROVER_JOIN_TOKEN: token });
    return cluster;
  }

  /** Process id of the agent. */
  get agentPid(): number {
    return this.#agent?.pid ?? 0;
  }

  /** Process ids of both daemons. */
  get pids(): Readonly<Record<'agent' | 'controller', number>> {
    return { agent: this.agentPid, controller: this.#controller.pid };
  }

  /** Launches a command once. @returns the id of its task. */
  async launchOne(argv: readonly string[]): Promise<string> {
    const run = { id: uuid(), nodes: nodeName, spec: { argv: [...argv] } };
    const { tasks } = await this.connection.runs.createRun(run);
    return tasks[0]?.id ?? '';
  }

  /** Waits for a task's end. @throws when its command failed. */
  async ended(taskId: string): Promise<void> {
    let task: Task | undefined;
    for await (const { kind } of this.connection.tasks.followTasks({ query: { refs: [taskId] } })) {
      if (kind.case === 'task') task = kind.value;
    }
    if (!task?.outcome || endingOf(task.outcome) !== 'succeeded') throw new Error(`task ${taskId} failed`);
  }

  /** Where the first attempt of a task has its outputs. */
  outputsOf(taskId: string): string {
    return join(this.#agentDirectory, 'tasks', attemptId(taskId, 1));
  }

  /** Starts the agent, and waits until it says that its controller has let it in. */
  async startAgent(joining: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const directory = this.#agentDirectory;
    const places = ['--data', directory, '--policy', join(directory, 'policy.yaml')];
    this.#agent = await Daemon.start(this.#drover, ['agent', ...places, ...joining, ...asDaemon], env);
  }

  /** Stops the agent in order, and starts it again. */
  async restartAgent(): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
    await this.startAgent();
  }

  /** Kills the agent with SIGKILL and waits for its end. */
  async killAgent(): Promise<void> {
    await this.#agent?.end('SIGKILL');
  }

  /** Launches that command so many times, and waits until all run. */
  async launch(argv: readonly string[], count: number): Promise<void> {
    let launched = 0;
    const lane = async () => {
      while (launched++ < count) {
        await this.connection.runs.createRun({ id: uuid(), nodes: nodeName, spec: { argv: [...argv] } });
      }
    };
    await Promise.all(Array.from({ length: launchesAtOnce }, lane));
    await this.until(async () => {
      const underWay = { query: { states: [TaskState.PENDING, TaskState.STARTING] }, pageSize: 1 };
      return (await this.connection.tasks.listTasks(underWay)).tasks.length === 0;
    });
  }

  /** The node as the controller sees it. */
  node(): Promise<Node> {
    return this.connection.nodes.getNode({ name: nodeName });
  }

  /** Every task in that state. */
  async tasksIn(state: TaskState): Promise<Task[]> {
    const found: Task[] = [];
    let pageToken = '';
    do {
      const page = { query: { states: [state] }, pageSize: limits.pageMax, pageToken };
      const { tasks, nextPageToken } = await this.connection.tasks.listTasks(page);
      found.push(...tasks);
      pageToken = nextPageToken;
    } while (pageToken !== '');
    return found;
  }

  /** Asks again and again until that holds. */
  async until(condition: () => Promise<boolean>): Promise<void> {
    while (!(await condition())) await sleep(askAgainMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopped = await this.connection.tasks.stopTasks({ query: { nodes: nodeName }, shutdown: true });
    const failed = stopped.results.find(({ error }) => error !== '');
    if (failed) throw new Error(`task ${failed.taskId} was not stopped: ${failed.error}`);
    await this.until(async () => (await this.node()).activeTasks === 0);
    await this.#agent?.[Symbol.asyncDispose]();
    await this.#controller[Symbol.asyncDispose]();
  }
}
