/** Dispatch as it really is, over a real store in a temporary directory and a real port, with a clock that the test moves. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { FakeClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { waitsForTurn } from '#controller/dispatch/pending-reason.ts';
import { type RunningDispatch, startDispatch } from '#controller/dispatch/start-dispatch.ts';
import { newNode } from '#controller/store/new-node.ts';
import { openSqliteStore } from '#controller/store/open-store.ts';
import { type Store, StoreError } from '#controller/store/store.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import {
  type PacingSchema,
  RunSchema,
  type Task,
  TaskSchema,
  TaskSpecSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { TestAgent } from './test-agent.ts';
import { TestAuthority, type TestIdentity, type Validity } from './test-certificates.ts';

/** Everything that a test of dispatch needs. */
export class DispatchFixture implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly authority: TestAuthority;
  readonly store: Store;
  /** Identities of the nodes that were added. */
  readonly identities = new Map<string, TestIdentity>();
  /** Every change of a task that was published, in order. */
  readonly changes: Task[] = [];
  /** Whether transactions of dispatch fail, as on a full disk. */
  storeFails = false;
  readonly #directory: string;
  readonly #controller: TestIdentity;
  readonly #agents = new AsyncDisposableStack();
  #dispatch: RunningDispatch | undefined;
  #port = 0;
  #tasks = 0;

  private constructor(directory: string, authority: TestAuthority, controller: TestIdentity, store: Store) {
    this.#directory = directory;
    this.authority = authority;
    this.#controller = controller;
    this.store = store;
  }

  /** Starts with these nodes known and none connected. */
  static async start(...nodes: string[]): Promise<DispatchFixture> {
    const directory = await mkdtemp(join(tmpdir(), 'drover-dispatch-'));
    const authority = await TestAuthority.create();
    const store = await openSqliteStore({ path: join(directory, 'controller.db') });
    const fixture = new DispatchFixture(directory, authority, await authority.controller(), store);
    for (const node of nodes) await fixture.addNode(node);
    await fixture.startDispatch();
    return fixture;
  }

  get dispatch(): RunningDispatch {
    if (!this.#dispatch) throw new Error('dispatch is stopped');
    return this.#dispatch;
  }

  async startDispatch(): Promise<void> {
    const dispatch = await startDispatch({
      store: {
        read: this.store.read,
        transact: (work) =>
          this.storeFails
            ? Promise.reject(new StoreError('failed', 'the disk is full'))
            : this.store.transact(work),
        onEvents: (listener) => this.store.onEvents(listener),
        onAudit: (listener) => this.store.onAudit(listener),
        [Symbol.asyncDispose]: () => this.store[Symbol.asyncDispose](),
      },
      clock: this.clock,
      log: createLog('controller', 'silent'),
      tls: this.#controller,
      listen: { host: '127.0.0.1', port: this.#port },
      version: '1.2.3',
      clusterId: 'cluster',
      random: () => 0.5,
      certifier: {
        renew: async (writer, { node }) => ({
          generation: await writer.nextGeneration(node),
          certificates: [Buffer.from(`a certificate of ${node}`)],
        }),
        noteClone: () => [],
      },
    });
    dispatch.onTaskChange((task) => this.changes.push(task));
    this.#port = Number(dispatch.address.split(':').at(-1));
    this.#dispatch = dispatch;
  }

  async stopDispatch(): Promise<void> {
    const dispatch = this.#dispatch;
    this.#dispatch = undefined;
    await dispatch?.[Symbol.asyncDispose]();
  }

  /** Records a node with a new key. */
  async addNode(name: string, validity?: Validity): Promise<void> {
    const identity = await this.authority.node(name, validity);
    this.identities.set(name, identity);
    const record = newNode({
      name,
      keyFingerprint: identity.fingerprint,
      labels: {},
      joinedAtMs: this.clock.wallMs(),
    });
    await this.store.transact((writer) => writer.insertNode(record));
  }

  /** Connects as a node and waits for Welcome. */
  async join(node: string, hello?: Parameters<typeof TestAgent.join>[2]): Promise<TestAgent> {
    return this.#agents.use(await TestAgent.join(this.dispatch.address, this.identity(node), hello));
  }

  /** Connects as a node and says nothing. */
  connect(node: string, identity = this.identity(node)): TestAgent {
    return this.#agents.use(TestAgent.connect(this.dispatch.address, identity));
  }

  identity(node: string): TestIdentity {
    const identity = this.identities.get(node);
    if (!identity) throw new Error(`no node ${node}`);
    return identity;
  }

  /** Records a run with one pending task a node, as the API does before it launches them. */
  async record(
    nodes: readonly string[],
    whenUnreachable: WhenUnreachable = WhenUnreachable.FAIL,
    spec: MessageInitShape<typeof TaskSpecSchema> = { argv: ['true'] },
    pacing?: MessageInitShape<typeof PacingSchema>,
  ): Promise<Task[]> {
    const serial = String(++this.#tasks).padStart(4, '0');
    const runId = `0192f0c8-${serial}-7abc-8def-0123456789ab`;
    const createdAt = timestampFromMs(this.clock.wallMs());
    const run = create(RunSchema, {
      id: runId,
      spec: create(TaskSpecSchema, spec),
      nodes: nodes.join(),
      createdBy: 'ada',
      createdAt,
      ...(pacing ? { pacing } : {}),
    });
    const reason = pacing ? waitsForTurn : '';
    const tasks = nodes.map((node, index) => {
      const id = `t${serial}${String(index).padStart(5, '0')}`;
      return create(TaskSchema, { id, runId, node, spec, state: TaskState.PENDING, reason, createdAt });
    });
    await this.store.transact(async (writer) => {
      await writer.insertRun({ run, digest: 'digest', whenUnreachable });
      await writer.insertTasks(tasks);
    });
    return tasks;
  }

  /** Records and launches; gives the tasks. */
  async launch(
    nodes: readonly string[],
    whenUnreachable: WhenUnreachable = WhenUnreachable.FAIL,
    spec?: MessageInitShape<typeof TaskSpecSchema>,
  ): Promise<Task[]> {
    const tasks = await this.record(nodes, whenUnreachable, spec);
    await this.dispatch.launch(tasks, 'ada', whenUnreachable);
    return tasks;
  }

  /** Records a paced run and takes it on; gives the tasks. */
  async pace(
    nodes: readonly string[],
    pacing: MessageInitShape<typeof PacingSchema>,
    whenUnreachable: WhenUnreachable = WhenUnreachable.FAIL,
  ): Promise<Task[]> {
    const tasks = await this.record(nodes, whenUnreachable, { argv: ['true'] }, pacing);
    const record = await this.store.read.findRun(tasks[0]?.runId ?? '');
    if (record) this.dispatch.pace(record, tasks);
    return tasks;
  }

  /** A task as the store has it. */
  async task(id: string): Promise<Task> {
    const [task] = await this.store.read.getTasks([id]);
    if (!task) throw new Error(`no task ${id}`);
    return task;
  }

  /** Resolves when a published change satisfies `test`. */
  changed(test: (task: Task) => boolean): Promise<Task> {
    return new Promise((resolve) => {
      const listening = this.dispatch.onTaskChange((task) => {
        if (!test(task)) return;
        listening[Symbol.dispose]();
        resolve(task);
      });
    });
  }

  /** Advances the clock in ticks of a second. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) await this.clock.advance(Math.min(left, 1_000));
  }

  /** Resolves when the controller has noticed that a node's session is gone, without time passing. */
  async gone(node: NodeName): Promise<void> {
    for (;;) {
      const usage = this.dispatch.usage(node, AbortSignal.timeout(1)).catch((error: unknown) => error);
      if (String(await usage).includes('the node is not connected')) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agents.disposeAsync();
    await this.stopDispatch();
    await this.store[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A controller with the connected node n1, which has one task. */
export async function withTask(): Promise<
  { fixture: DispatchFixture; agent: TestAgent; task: Task } & AsyncDisposable
> {
  const fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  const [task] = await fixture.launch(['n1']);
  assert.ok(task);
  return { fixture, agent, task, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}
