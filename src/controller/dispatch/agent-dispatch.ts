/** The orders of the API to the agents' sessions. @see Dispatch, which it implements over the parts of this folder. */
import type { RemovedNode, RunRecord, StoreWriter } from '#controller/store/store.ts';
import type { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import type { FileOrder } from '#protocol/gen/drover/v1/file_pb.ts';
import type {
  Cause,
  LogChunk,
  ResourceUsage,
  SignalScope,
  Task,
  TaskSample,
} from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, TaskId } from '#protocol/ids.ts';
import { type AgentSession, sessionStates } from './agent-session.ts';
import type { Changes } from './changes.ts';
import {
  type Dispatch,
  type FileStream,
  type InputSupply,
  type LogRequest,
  NodeGoneError,
  type NodeLiveness,
  NodeRefusedError,
} from './dispatch.ts';
import { openFiles } from './file-streams.ts';
import { giveInput } from './input-streams.ts';
import type { Launches } from './launches.ts';
import type { LivenessTracker } from './liveness-tracker.ts';
import { readLog } from './log-streams.ts';
import type { MassLoss } from './mass-loss.ts';
import type { PacedRuns } from './paced-runs.ts';
import { type RemoveNodeParts, removeNode } from './remove-node.ts';
import { sampleNode } from './sample-node.ts';

/** The parts that it leads to. */
export interface AgentDispatchParts extends RemoveNodeParts {
  readonly launches: Launches;
  readonly pacedRuns: PacedRuns;
  readonly nodeChanges: Changes<[NodeName, NodeLiveness]>;
  readonly isListening: () => boolean;
  readonly findMassLoss: () => MassLoss | undefined;
  readonly liveness: LivenessTracker;
}

/** Dispatch over the sessions of this process. */
export class AgentDispatch implements Dispatch {
  readonly #parts: AgentDispatchParts;
  /** Who gives input, by task. */
  readonly #givers = new Map<TaskId, AbortController>();

  constructor(parts: AgentDispatchParts) {
    this.#parts = parts;
  }

  launch(tasks: readonly Task[], operator: string, whenUnreachable: WhenUnreachable): Promise<void> {
    return this.#parts.launches.launch(tasks, operator, whenUnreachable);
  }

  pace(run: RunRecord, tasks: readonly Task[]): void {
    this.#parts.pacedRuns.add(run, tasks);
  }

  async signal(task: Task, signal: string, scope: SignalScope, abort: AbortSignal): Promise<number> {
    const result = await this.#session(task.node).ask(
      (commandId) => ({ case: 'signal', value: { commandId, taskId: task.id, signal, scope } }),
      abort,
    );
    return result.pid;
  }

  async stop(
    task: Task,
    graceMs: number,
    cause: typeof Cause.OPERATOR | typeof Cause.SHUTDOWN,
    abort: AbortSignal,
  ): Promise<void> {
    abort.throwIfAborted();
    if (await this.#parts.launches.skip(task, cause)) return;
    await this.#session(task.node).ask(
      (commandId) => ({
        case: 'stop',
        value: { commandId, taskId: task.id, graceMs: BigInt(graceMs), cause },
      }),
      abort,
    );
  }

  async usage(node: NodeName, abort: AbortSignal): Promise<ResourceUsage> {
    const { usage } = await this.#session(node).ask(
      (commandId) => ({ case: 'askUsage', value: { commandId } }),
      abort,
    );
    if (!usage) throw new NodeRefusedError('the node told no usage');
    return usage;
  }

  async sample(node: NodeName, taskIds: readonly string[], abort: AbortSignal): Promise<TaskSample[]> {
    return await sampleNode(this.#session(node), taskIds, abort);
  }

  readLog(task: Task, request: LogRequest, abort: AbortSignal): AsyncIterable<LogChunk> {
    return readLog(this.#parts.links, task, request, abort);
  }

  async giveInput(task: Task, attempt: number, supply: InputSupply, abort: AbortSignal): Promise<void> {
    const giver = new AbortController();
    this.#givers.get(task.id)?.abort(new NodeRefusedError('somebody else gives it input now'));
    this.#givers.set(task.id, giver);
    try {
      await giveInput(this.#parts.links, { task, attempt }, supply, AbortSignal.any([abort, giver.signal]));
    } finally {
      if (this.#givers.get(task.id) === giver) this.#givers.delete(task.id);
    }
  }

  async openFiles(
    node: NodeName,
    order: FileOrder,
    operator: string,
    abort: AbortSignal,
  ): Promise<FileStream> {
    return openFiles(this.#session(node), { order, operator }, this.#parts.clock, abort);
  }

  removeNode(removed: RemovedNode, record: (writer: StoreWriter) => Promise<void>): Promise<number> {
    return removeNode(this.#parts, removed, record);
  }

  isListening(): boolean {
    return this.#parts.isListening();
  }

  countSessions(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>([...sessionStates].map((state) => [state, 0]));
    for (const { state } of this.#parts.links.sessions()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  findMassLoss(): MassLoss | undefined {
    return this.#parts.findMassLoss();
  }

  liveness(node: NodeName): NodeLiveness {
    return this.#parts.liveness.liveness(node);
  }

  onTaskChange(listener: (task: Task) => void): Disposable {
    return this.#parts.taskChanges.listen(listener);
  }

  onNodeChange(listener: (node: NodeName, liveness: NodeLiveness) => void): Disposable {
    return this.#parts.nodeChanges.listen(listener);
  }

  #session(node: NodeName): AgentSession {
    const session = this.#parts.links.open(node);
    if (!session) throw new NodeGoneError('the node is not connected');
    return session;
  }
}
