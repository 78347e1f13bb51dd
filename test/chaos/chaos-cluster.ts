/**
 * A cluster of real processes that a test kills, stops and starts as it likes, and what is recorded meanwhile. Nothing here
 * restarts anything by itself. `verify` ends it in order and checks everything that must hold after any fault.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { v7 as uuidv7 } from 'uuid';
import { systemClock } from '#base/clock.ts';
import type { Failpoint } from '#base/failpoint.ts';
import { type HostPort, parseHostPort } from '#base/host-port.ts';
import { readAccess } from '#cli/access-file.ts';
import { type Connection, connectCluster } from '#cli/connect-cluster.ts';
import { isConnectionLost } from '#cli/failure.ts';
import { DaemonProcess, type DaemonSpec, describeEnd } from '#cli/up/daemon-process.ts';
import { agentSpec, controllerSpec } from '#cli/up/daemon-specs.ts';
import { layoutOf, type UpLayout } from '#cli/up/up-layout.ts';
import type { EventKind } from '#core/event-kinds.ts';
import { stateWord } from '#core/task-state.ts';
import {
  type CreateRunRequest,
  CreateRunRequestSchema,
  WhenUnreachable,
} from '#protocol/gen/drover/v1/api_pb.ts';
import type { ClusterEvent } from '#protocol/gen/drover/v1/event_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { type Task, type TaskSpecSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { testEnvironment } from '#test/fixture/drover-command.ts';
import { until } from '#test/fixture/until.ts';
import { type Allowed, checkHistory, type History } from './check-history.ts';
import { type ChaosCommand, gateFile, startsFile } from './commands.ts';
import { Gate } from './gate.ts';
import { joinThrough } from './join-through.ts';
import { describeProcess, footprintOf, killAll, pidsWith, readProc } from './processes.ts';
import { Recorder, readAudit, readPrinted, refsAtOnce } from './recorder.ts';

/** How many nodes, and which failpoints (as DROVER_FAILPOINTS) each daemon's first life has. */
export interface ChaosOptions {
  /** Default 1. */
  readonly nodes?: number;
  readonly controller?: string;
  readonly agents?: string;
  /** How much faster time passes for the daemons. Default 1. */
  readonly clockRate?: number;
  /** What else the agents are told. */
  readonly agentArgs?: readonly string[];
  /** What else is in the agents' environment, and in the controller's. */
  readonly agentEnvironment?: NodeJS.ProcessEnv;
  readonly controllerEnvironment?: NodeJS.ProcessEnv;
}

/** What to launch. */
export interface LaunchOptions {
  /** Runs of the command, each of which is one task a node. Default 1. */
  readonly count?: number;
  /** A node set. Default every node. */
  readonly nodes?: string;
  /** Whether tasks wait for a node that is away, however long. Default false. */
  readonly wait?: boolean;
  /** What else the spec says. */
  readonly spec?: MessageInitShape<typeof TaskSpecSchema>;
}

/** Pause before a launch is asked for again. */
const askAgainMs = 100;

/** Runs that are asked for at once. */
const launchesAtOnce = 50;

/** A cluster under attack. */
export class ChaosCluster implements AsyncDisposable {
  readonly directory: string;
  readonly layout: UpLayout;
  /** The latest life of each node's agent, by name. */
  readonly agents = new Map<string, DaemonProcess>();
  /** Closed at first. */
  gate: Gate;
  readonly recorder = new Recorder();
  readonly #t: TestContext;
  readonly #lives: DaemonProcess[] = [];
  readonly #deferred: (() => void)[] = [];
  #controller: DaemonProcess | undefined;
  #api: Connection | undefined;
  readonly #options: ChaosOptions;
  #listen = '127.0.0.1:0';
  #agentListen = '127.0.0.1:0';
  readonly #launched = new Map<string, ChaosCommand>();
  readonly #acknowledged: string[] = [];
  /** Lines of the file of starts that are of settled tasks. */
  #startsSettled = 0;

  private constructor(t: TestContext, directory: string, gate: Gate, options: ChaosOptions) {
    this.#t = t;
    this.directory = directory;
    this.#options = options;
    this.layout = layoutOf(directory);
    this.gate = gate;
  }

  /** Starts a controller and agents node1, node2 … All of it is gone when the test is over, however that ends. */
  static async start(t: TestContext, options: ChaosOptions = {}): Promise<ChaosCluster> {
    const directory = mkdtempSync(join(tmpdir(), 'drover-chaos-'));
    const gate = await Gate.close(join(directory, gateFile));
    const cluster = new ChaosCluster(t, directory, gate, options);
    t.after(() => cluster[Symbol.asyncDispose]());
    mkdirSync(cluster.layout.logs);
    writeFileSync(join(directory, startsFile), '');
    await cluster.startController(options.controller);
    const names = Array.from({ length: options.nodes ?? 1 }, (_, i) => `node${i + 1}`);
    await Promise.all(names.map((name) => cluster.startAgent(name, options.agents)));
    return cluster;
  }

  /** Closes the gate again, for tasks that are launched from now on. */
  async closeGate(): Promise<void> {
    await this.gate.open();
    this.gate = await Gate.close(join(this.directory, gateFile));
  }

  /** The controller's latest life. */
  get controller(): DaemonProcess {
    assert.ok(this.#controller);
    return this.#controller;
  }

  /** The controller's API. */
  get api(): Connection {
    assert.ok(this.#api);
    return this.#api;
  }

  /** Where the API and the agents' listener are. */
  get addresses(): { readonly api: HostPort; readonly agents: HostPort } {
    const [api, agents] = [this.#listen, this.#agentListen].map(parseHostPort);
    assert.ok(api && agents);
    return { api, agents };
  }

  /** The latest life of a node's agent. */
  agent(name = 'node1'): DaemonProcess {
    const agent = this.agents.get(name);
    assert.ok(agent);
    return agent;
  }

  /** The state directory of a node. */
  directoryOf(name = 'node1'): string {
    return join(this.layout.nodes, name);
  }

  /** Does this when every process is gone and the directory is still there. */
  defer(undo: () => void): void {
    this.#deferred.push(undo);
  }

  /** The supervisor's record of a task's first attempt. */
  recordOf(taskId: string, node = 'node1'): string {
    return join(this.directoryOf(node), 'supervisor', 'attempts', `${taskId}.1`, 'record');
  }

  /** Ids of every task that was acknowledged and is not settled. */
  get taskIds(): string[] {
    return [...this.#launched.keys()];
  }

  /** Starts the controller, on the ports that it had, and waits until commands work. */
  async startController(failpoints = ''): Promise<void> {
    const [, listen = '', agentListen = ''] = await untilReady(this.spawnController(failpoints));
    if (this.#api) return;
    [this.#listen, this.#agentListen] = [listen, agentListen];
    this.#api = connectCluster(readAccess(this.directory));
  }

  /** Starts the controller. */
  spawnController(failpoints = ''): DaemonProcess {
    const environment = { ...this.#environment(failpoints), ...this.#options.controllerEnvironment };
    this.#controller = this.#start(controllerSpec(this.layout, this.#listen, this.#agentListen, environment));
    return this.#controller;
  }

  /** Lets a node join whose agent will dial `dials`; start it afterwards. */
  async join(name: string, dials: HostPort): Promise<void> {
    const directory = this.directoryOf(name);
    await joinThrough(this.api, { name, directory, controller: this.addresses.api, dials });
  }

  /** Starts the agent of a node and waits until the controller has let it in. */
  async startAgent(name = 'node1', failpoints = ''): Promise<void> {
    await untilReady(await this.spawnAgent(name, failpoints));
  }

  /** Starts the agent of a node. */
  async spawnAgent(name = 'node1', failpoints = ''): Promise<DaemonProcess> {
    this.#collectJournal(name);
    const directory = this.directoryOf(name);
    mkdirSync(directory, { recursive: true });
    const joined = existsSync(join(directory, 'identity'));
    const token = joined ? undefined : (await this.api.joinTokens.createJoinToken({ names: name })).token;
    const environment = { ...this.#environment(failpoints), ...this.#options.agentEnvironment };
    const spec = agentSpec(this.layout, name, this.#listen, environment, token);
    const hasPolicy = !joined || existsSync(join(directory, 'policy.yaml'));
    const args = [
      ...spec.args,
      ...(this.#options.agentArgs ?? []),
      ...(hasPolicy ? [] : ['--preset', 'open']),
    ];
    const agent = this.#start({ ...spec, args });
    this.agents.set(name, agent);
    return agent;
  }

  /** Launches the command and records what becomes of it. Resolves with its tasks' ids when all are acknowledged. */
  async launch(command: ChaosCommand, options: LaunchOptions = {}): Promise<string[]> {
    const ids: string[] = [];
    for (let left = options.count ?? 1; left > 0; left -= launchesAtOnce) {
      const runs = Array.from({ length: Math.min(left, launchesAtOnce) }, () => this.#run(command, options));
      ids.push(...(await Promise.all(runs)).flat());
    }
    this.recorder.follow(this.api, ids);
    return ids;
  }

  /** Takes in tasks that somebody else launched, such as a command line. */
  async adopt(runId: string, command: ChaosCommand): Promise<string[]> {
    const { tasks } = await this.api.tasks.listTasks({ query: { runId } });
    this.#acknowledged.push(runId);
    for (const { id } of tasks) this.#launched.set(id, command);
    return tasks.map(({ id }) => id);
  }

  /** What the API says of these tasks now. */
  async tasks(ids: readonly string[] = this.taskIds): Promise<Task[]> {
    const tasks: Task[] = [];
    for (let at = 0; at < ids.length; at += refsAtOnce) {
      const query = { refs: ids.slice(at, at + refsAtOnce) };
      tasks.push(...(await this.api.tasks.listTasks({ query, pageSize: refsAtOnce })).tasks);
    }
    return tasks;
  }

  /** Events of the cluster of these kinds that were recorded behind a number, oldest first. */
  async events(kinds: readonly EventKind[], afterSequence = 0n): Promise<ClusterEvent[]> {
    const found: ClusterEvent[] = [];
    const query = { kinds: [...kinds] };
    for await (const { kind } of this.api.events.followEvents({ query, afterSequence })) {
      if (kind.case === 'event') found.push(kind.value);
    }
    return found;
  }

  /** Waits until the API has said of every one of these tasks that it is in that state. */
  async untilState(state: TaskState, ids: readonly string[] = this.taskIds): Promise<void> {
    let left = ids;
    await until(`all are ${stateWord(state)}`, async () => {
      const tasks = await this.tasks(left.slice(0, refsAtOnce));
      const reached = new Set(tasks.filter((task) => task.state === state).map(({ id }) => id));
      left = left.filter((id) => !reached.has(id));
      return left.length === 0;
    });
  }

  /** Orders the stop of these tasks; resolves when their nodes have taken the order. */
  async stopTasks(refs: readonly string[], graceMs: number): Promise<void> {
    const { results } = await this.api.tasks.stopTasks({
      query: { refs: [...refs] },
      graceMs: BigInt(graceMs),
    });
    assert.deepEqual(
      results.map(({ error }) => error).filter((error) => error !== ''),
      [],
    );
    this.#acknowledged.push('StopTasks');
  }

  /** Pids of the servers of a node's supervisor: one, or none for a moment. */
  serverPids(name = 'node1'): number[] {
    return this.#supervisorPids(name).filter((pid) => !readProc(pid, 'comm').startsWith('drover-monitor'));
  }

  /** Pids of the monitors of a node's attempts. */
  monitorPids(name = 'node1'): number[] {
    return this.#supervisorPids(name).filter((pid) => readProc(pid, 'comm').startsWith('drover-monitor'));
  }

  /** Pid of the server of a node's supervisor; undefined where there is none now. */
  findSupervisorPid(name = 'node1'): number | undefined {
    return this.serverPids(name)[0];
  }

  /** The same. */
  supervisorPid(name = 'node1'): number {
    const pid = this.findSupervisorPid(name);
    assert.ok(pid);
    return pid;
  }

  /** Processes of tasks that have not cleared their environment. */
  taskProcesses(): number[] {
    // By a variable that only tasks have, and not the daemons.
    return pidsWith(`CHAOS=${this.directory}`);
  }

  /** Every process that a node has, tasks as far as they have not cleared their environment. */
  nodeProcesses(name = 'node1'): number[] {
    return [...pidsWith(this.directoryOf(name)), ...this.taskProcesses()];
  }

  /** How often a daemon, in all of its lives, has reached a failpoint that was armed. */
  reached(log: 'controller' | string, name: Failpoint): number {
    const text = readFileSync(join(this.layout.logs, `${log}.log`), 'utf8');
    return text.split('\n').filter((line) => line.startsWith(`failpoint ${name} `)).length;
  }

  /** Waits until a daemon has died at a failpoint: the fault has fired. */
  async untilKilledAt(daemon: DaemonProcess, log: string, name: Failpoint): Promise<void> {
    await until(`${log} comes to ${name}`, () => this.reached(log, name) > 0);
    assert.equal((await daemon.ended).signal, 'SIGKILL');
  }

  /**
   * Waits for the end of every task that is not settled, and checks what must hold. What is settled may not happen again.
   *
   * @param allowed what the faults so far may have brought about.
   */
  async settle(allowed: Allowed = {}): Promise<void> {
    await this.untilState(TaskState.ENDED);
    const history = await this.#history(this.taskProcesses());
    assert.deepEqual(checkHistory(history, allowed), []);
    this.#startsSettled += history.starts.length;
    this.#launched.clear();
    this.#acknowledged.length = 0;
  }

  /** Opens the gate, settles, ends everything in order, and checks that nothing is left. */
  async verify(allowed: Allowed = {}): Promise<void> {
    await this.gate.open();
    await this.settle(allowed);
    await this.recorder[Symbol.asyncDispose]();
    const agents = [...this.agents.values()];
    const ends = await Promise.all(agents.map((agent) => agent.stop(systemClock)));
    for (const end of [...ends, await this.controller.stop(systemClock)]) {
      assert.equal(end.code, 0, describeEnd(end)); // whatever it said last, such as that it failed on purpose
    }
    assert.deepEqual(pidsWith(this.directory).map(describeProcess), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recorder[Symbol.asyncDispose]();
    this.#api?.[Symbol.dispose]();
    await this.gate.open();
    // A daemon that was stopped by SIGSTOP, a supervisor, a task: whatever a test that failed half-way has left.
    for (let left = pidsWith(this.directory); left.length > 0; left = pidsWith(this.directory)) killAll(left);
    await Promise.all(this.#lives.map((daemon) => daemon.ended));
    for (const undo of this.#deferred) undo();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Asks until it is answered, also while there is no controller at all. */
  async #createRun(request: CreateRunRequest): Promise<readonly Task[]> {
    const giveUpAt = performance.now() + 60_000;
    for (;;) {
      try {
        return (await this.api.runs.createRun(request)).tasks;
      } catch (error) {
        if (!isConnectionLost(error) || performance.now() > giveUpAt) throw error;
      }
      await sleep(askAgainMs);
    }
  }

  #environment(failpoints: string): NodeJS.ProcessEnv {
    const { clockRate = 1 } = this.#options;
    const ours = { DROVER_FAILPOINTS: failpoints, DROVER_CLOCK_RATE: String(clockRate) };
    return { ...testEnvironment(), ...ours };
  }

  #start(spec: DaemonSpec): DaemonProcess {
    const daemon = new DaemonProcess(spec);
    this.#lives.push(daemon);
    void daemon.ended.then((end) => {
      // No fault of ours ends a daemon so, and what it broke by that says little of it.
      if (end.signal === null && end.code !== 0) this.#t.diagnostic(`${spec.title}: ${describeEnd(end)}`);
    });
    return daemon;
  }

  /** Servers and monitors, which are forks of them. */
  #supervisorPids(name: string): number[] {
    const state = join(this.directoryOf(name), 'supervisor');
    return pidsWith(state).filter((pid) => readProc(pid, 'cmdline').split('\0').includes(state));
  }

  async #run(
    command: ChaosCommand,
    { nodes = '@all', wait = false, spec }: LaunchOptions,
  ): Promise<string[]> {
    const env = { ...spec?.env, CHAOS: this.directory };
    const id = uuidv7();
    const request = create(CreateRunRequestSchema, {
      id,
      nodes,
      whenUnreachable: wait ? WhenUnreachable.WAIT : WhenUnreachable.FAIL,
      spec: { ...spec, argv: [...command.argv], env },
    });
    const tasks = await this.#createRun(request);
    this.#acknowledged.push(id);
    for (const task of tasks) this.#launched.set(task.id, command);
    return tasks.map((task) => task.id);
  }

  #collectJournal(name: string): void {
    this.recorder.collectJournal(name, join(this.directoryOf(name), 'journal'));
  }

  /** Waits for every node: agents may still be on their way back to a controller that has just started. */
  async untilConnected(): Promise<void> {
    await until('every node is connected', async () => {
      const { nodes } = await this.api.nodes.listNodes({});
      return nodes.every(({ state }) => state === NodeState.CONNECTED);
    });
  }

  async #history(left: readonly number[]): Promise<History> {
    for (const name of this.agents.keys()) this.#collectJournal(name);
    const daemons = [this.controller, ...this.agents.values()];
    const starts = readLines(join(this.directory, startsFile)).slice(this.#startsSettled);
    const began = new Set(starts.map((attemptId) => attemptId.split('.')[0]));
    // Only the nodes have what was printed.
    if (began.size > 0) await this.untilConnected();
    return {
      launched: this.#launched,
      starts,
      told: this.recorder.told,
      recorded: this.recorder.recorded,
      final: new Map((await this.tasks()).map((task) => [task.id, task])),
      printed: await readPrinted(
        this.api,
        this.taskIds.filter((id) => began.has(id)),
      ),
      audit: readAudit(join(this.layout.controller, 'drover.db')),
      commands: this.#acknowledged,
      left: left.map(describeProcess),
      daemons: daemons.map(({ spec, pid = 0 }) => ({ title: spec.title, ...footprintOf(pid) })),
    };
  }
}

/** Kills a daemon and waits for its end. */
export async function killDaemon(daemon: DaemonProcess): Promise<void> {
  assert.ok(daemon.pid);
  process.kill(daemon.pid, 'SIGKILL');
  const { signal } = await daemon.ended;
  assert.equal(signal, 'SIGKILL');
}

async function untilReady(daemon: DaemonProcess): Promise<RegExpExecArray> {
  const ready = await daemon.ready;
  assert.ok(ready, `${daemon.spec.title} did not start: ${ready ?? describeEnd(await daemon.ended)}`);
  return ready;
}

function readLines(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
