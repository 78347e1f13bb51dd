/** A dispatch without nodes, for tests: records the orders it is given, and does what the test tells it to. */
import type {
  Dispatch,
  FileStream,
  InputSupply,
  LogRequest,
  NodeLiveness,
} from '#controller/dispatch/dispatch.ts';
import { NodeGoneError, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import type { MassLoss } from '#controller/dispatch/mass-loss.ts';
import type { RemovedNode, RunRecord } from '#controller/store/store.ts';
import type { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import type { FileOrder } from '#protocol/gen/drover/v1/file_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import type {
  Cause,
  LogChunk,
  ResourceUsage,
  SignalScope,
  Task,
  TaskSample,
} from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { FakeFiles } from './fake-files.ts';

/** An order that was given. */
export type FakeOrder =
  | { readonly kind: 'launch'; readonly tasks: readonly string[]; readonly whenUnreachable: WhenUnreachable }
  | { readonly kind: 'pace'; readonly run: string; readonly tasks: readonly string[] }
  | { readonly kind: 'files'; readonly node: string; readonly order: string }
  | { readonly kind: 'remove'; readonly node: string }
  | { readonly kind: 'signal'; readonly task: string; readonly signal: string; readonly scope: SignalScope }
  | { readonly kind: 'stop'; readonly task: string; readonly graceMs: number; readonly cause: Cause };

/** Every node is connected unless the test says otherwise; one that is not refuses. */
export class FakeDispatch implements Dispatch {
  readonly orders: FakeOrder[] = [];
  /** Log streams that were opened, by task, in order. */
  readonly logRequests: { readonly task: string; readonly request: LogRequest }[] = [];
  /** What the log of a task gives. Nothing is an empty log. */
  readonly logs = new Map<string, (abort: AbortSignal, request: LogRequest) => AsyncIterable<LogChunk>>();
  /** What takes the input of a task. Nothing takes none. */
  readonly inputs = new Map<string, (supply: InputSupply, abort: AbortSignal) => Promise<void>>();
  /** What a node does with files; it is given its side of the stream. Nothing refuses. */
  readonly files = new Map<NodeName, (files: FakeFiles, order: FileOrder) => Promise<void>>();
  readonly usages = new Map<NodeName, ResourceUsage>();
  /** What the tasks of a node use. */
  readonly samples = new Map<NodeName, TaskSample[]>();
  /** Called for each node that is asked for samples, which waits for what it gives. */
  onSample: (node: NodeName) => Promise<void> | undefined = () => undefined;
  /** Called with each task that was told to stop. */
  onStop: (task: Task) => void = () => {};
  readonly #liveness = new Map<NodeName, NodeLiveness>();
  readonly #taskListeners = new Set<(task: Task) => void>();
  readonly #nodeListeners = new Set<(node: NodeName, liveness: NodeLiveness) => void>();

  /** Listeners of both kinds that have not been disposed of. */
  get listeners(): number {
    return this.#taskListeners.size + this.#nodeListeners.size;
  }

  /** Publishes a change, as after its commit. */
  changeTask(task: Task): void {
    for (const listener of this.#taskListeners) listener(task);
  }

  /** Publishes how the controller stands to a node from now on. */
  changeNode(node: NodeName, liveness: NodeLiveness): void {
    this.#liveness.set(node, liveness);
    for (const listener of this.#nodeListeners) listener(node, liveness);
  }

  async launch(tasks: readonly Task[], _operator: string, whenUnreachable: WhenUnreachable): Promise<void> {
    this.orders.push({ kind: 'launch', tasks: tasks.map((task) => task.id), whenUnreachable });
  }

  pace({ run }: RunRecord, tasks: readonly Task[]): void {
    this.orders.push({ kind: 'pace', run: run.id, tasks: tasks.map((task) => task.id) });
  }

  async signal(task: Task, signal: string, scope: SignalScope): Promise<number> {
    this.#requireConnected(task.node);
    this.orders.push({ kind: 'signal', task: task.id, signal, scope });
    return task.attempts.at(-1)?.pid ?? 0;
  }

  async stop(
    task: Task,
    graceMs: number,
    cause: typeof Cause.OPERATOR | typeof Cause.SHUTDOWN,
  ): Promise<void> {
    this.#requireConnected(task.node);
    this.orders.push({ kind: 'stop', task: task.id, graceMs, cause });
    this.onStop(task);
  }

  async usage(node: NodeName): Promise<ResourceUsage> {
    this.#requireConnected(node);
    const usage = this.usages.get(node);
    if (!usage) throw new NodeRefusedError('its supervisor cannot be asked');
    return usage;
  }

  async sample(node: NodeName, taskIds: readonly string[], abort: AbortSignal): Promise<TaskSample[]> {
    this.#requireConnected(node);
    const aborted = new Promise<never>((_, reject) => {
      abort.addEventListener('abort', () => reject(abort.reason), { once: true });
    });
    await Promise.race([this.onSample(node), aborted]);
    return (this.samples.get(node) ?? []).filter(({ taskId }) => taskIds.includes(taskId));
  }

  async *readLog(task: Task, request: LogRequest, abort: AbortSignal): AsyncGenerator<LogChunk> {
    this.logRequests.push({ task: task.id, request });
    const log = this.logs.get(task.id);
    if (log) yield* log(abort, request);
  }

  async giveInput(task: Task, _attempt: number, supply: InputSupply, abort: AbortSignal): Promise<void> {
    const input = this.inputs.get(task.id);
    if (!input) throw new NodeRefusedError('it takes no input');
    await input(supply, abort);
  }

  async openFiles(
    node: NodeName,
    order: FileOrder,
    _operator: string,
    abort: AbortSignal,
  ): Promise<FileStream> {
    if (this.liveness(node).state !== NodeState.CONNECTED) {
      throw new NodeGoneError('the node is not connected');
    }
    this.orders.push({ kind: 'files', node, order: order.kind.case ?? '' });
    const serve = this.files.get(node);
    if (!serve) throw new NodeRefusedError('it does nothing with files');
    const files = new FakeFiles(abort);
    serve(files, order).then(
      () => files.end(),
      (error: unknown) => files.fail(error),
    );
    return files;
  }

  async removeNode({ name }: RemovedNode): Promise<number> {
    this.orders.push({ kind: 'remove', node: name });
    return 0;
  }

  /** Most nodes are gone. */
  massLoss: MassLoss | undefined;

  findMassLoss(): MassLoss | undefined {
    return this.massLoss;
  }

  /** Whether agents could connect. */
  listening = true;

  isListening(): boolean {
    return this.listening;
  }

  countSessions(): ReadonlyMap<string, number> {
    return new Map([['open', 3]]);
  }

  liveness(node: NodeName): NodeLiveness {
    return this.#liveness.get(node) ?? { state: NodeState.CONNECTED, seenAtMs: 1_700_000_000_000 };
  }

  onTaskChange(listener: (task: Task) => void): Disposable {
    this.#taskListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#taskListeners.delete(listener) };
  }

  onNodeChange(listener: (node: NodeName, liveness: NodeLiveness) => void): Disposable {
    this.#nodeListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#nodeListeners.delete(listener) };
  }

  #requireConnected(node: NodeName): void {
    if (this.liveness(node).state !== NodeState.CONNECTED) throw new NodeRefusedError('it is not connected');
  }
}
