/**
 * The seam between those who decide (API, loops) and the sessions of the agents.
 *
 * GUARANTEES. A task that `launch` was given is in the store already. Each of its starts is sent at most once a session,
 * and idempotent on the agent by task id and attempt number, so that sending again after a reconnect is safe. A change of a task
 * is published after its transaction has committed, in the order of the commits. Every method that waits takes an
 * AbortSignal and leaves nothing behind when it aborts.
 *
 *   API ──launch/stop/signal──► Dispatch ──frames──► session ══ agent
 *   API ◄──changes, log chunks── Dispatch ◄──events── session ══ agent
 */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { RemovedNode, RunRecord, StoreWriter } from '#controller/store/store.ts';
import type { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import type { FileOrder } from '#protocol/gen/drover/v1/file_pb.ts';
import type { FilesUp, InputFrameSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import type { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import type {
  Cause,
  LogChunk,
  LogSource,
  ResourceUsage,
  SignalScope,
  Task,
  TaskSample,
} from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import type { MassLoss } from './mass-loss.ts';

/** An order did not reach its node, or the node refused it. The message is one line for a person, without the node's name. */
export class NodeRefusedError extends Error {
  override readonly name = 'NodeRefusedError';
}

/** The node is not connected, or the connection to it broke. */
export class NodeGoneError extends NodeRefusedError {}

/** The node's policy does not allow it. */
export class NodeDeniedError extends NodeRefusedError {}

/** How the controller stands to one node, now. */
export interface NodeLiveness {
  readonly state: NodeState;
  /** Wall clock, milliseconds; undefined where it never was. */
  readonly seenAtMs: number | undefined;
}

/** Which stretch of a task's output. */
export interface LogRequest {
  readonly attempt: number;
  readonly source: LogSource;
  readonly stdoutOffset: bigint;
  readonly stderrOffset: bigint;
  /** 0: all from the offsets. */
  readonly tailLines: number;
  /** Until the attempt has ended and everything was read. */
  readonly follow: boolean;
  /** Only what was written at or after this time by the node's clock. */
  readonly since?: Timestamp | undefined;
  /** Only what was written before it. */
  readonly until?: Timestamp | undefined;
  /**
   * In the order of writing over both outputs, with `writtenAt`; a chunk that says `caughtUp` comes once everything that
   * was there has come, and may come again when the link was cut. Default false: by turns.
   */
  readonly times?: boolean;
  /** The reader is a person at the task's terminal: see OpenLog.interactive. Default false. */
  readonly interactive?: boolean;
}

/** Input on its way to one task: what `giveInput` takes it from, and tells how far it has come. */
export interface InputSupply {
  /** A stream to the node begins: the task has taken input up to here, and what is next lies there. @throws NodeRefusedError when that is gone. */
  begin(taken: bigint): void;

  /** The task has taken input up to here. */
  advance(taken: bigint): void;

  /**
   * What to send next, as soon as there is something that is within limits.inputWindowBytes of what was taken; undefined when
   * the writer has left. For one caller at a time.
   *
   * @throws the reason of `abort`.
   */
  next(abort: AbortSignal): Promise<InputKind | undefined>;
}

/** Something for a task's input. */
export type InputKind = NonNullable<MessageInitShape<typeof InputFrameSchema>['kind']>;

/** What an agent sends about files. */
export type FileNews = Exclude<FilesUp['kind'], { case: undefined }>;

/** Files on their way to or from one node; over when the node has ended its side. Disposing of it breaks off what is not over. */
export interface FileStream extends Disposable {
  /**
   * What the node sends, as it is asked for and no sooner; of the kinds that its order brings about, and within the limits. For one
   * reader, to the end of the node's side.
   *
   * @throws NodeRefusedError when the node sends nonsense or breaks it off; NodeGoneError.
   */
  receive(): AsyncGenerator<FileNews, void, undefined>;

  /**
   * Sends bytes that together are whole frames of FilesDown, in this order and together; they must not change any more. Resolves when
   * the node takes more.
   *
   * @throws NodeRefusedError when the node takes nothing for limits.fileStallMs, or has broken it off; NodeGoneError.
   */
  send(...bytes: readonly Uint8Array[]): Promise<void>;

  /** The last frame has come or was sent: unless the node ends its side within limits.fileStallMs, `receive` rejects. */
  expectEnd(): void;
}

/** Sends orders to the nodes and tells what comes of them. */
export interface Dispatch {
  /**
   * Sends the starts of these pending tasks, and settles those whose node is not connected in one transaction: the ones to
   * WAIT wait for their node; the ones to FAIL too while it is only disconnected, and end (outcome unreachable) when it becomes
   * unreachable; where it is that already, or never came, they end at once. Resolves when that is recorded.
   */
  launch(tasks: readonly Task[], operator: string, whenUnreachable: WhenUnreachable): Promise<void>;

  /**
   * Takes on a run with a pacing, with all its tasks, which are marked `waitsForTurn` in the store: starts and settles them as
   * `launch` does, each when its turn has come, also after a restart of the controller.
   */
  pace(run: RunRecord, tasks: readonly Task[]): void;

  /** @returns the process id that the signal went to. @throws NodeRefusedError */
  signal(task: Task, signal: string, scope: SignalScope, abort: AbortSignal): Promise<number>;

  /**
   * Orders a stop; resolves when the node has taken the order. A task that was certainly never sent is ended (skipped).
   *
   * @param graceMs 0 for the task's own.
   * @throws NodeRefusedError
   */
  stop(
    task: Task,
    graceMs: number,
    cause: typeof Cause.OPERATOR | typeof Cause.SHUTDOWN,
    abort: AbortSignal,
  ): Promise<void>;

  /** RUSAGE_CHILDREN of a node's supervisor. @throws NodeRefusedError */
  usage(node: NodeName, abort: AbortSignal): Promise<ResourceUsage>;

  /**
   * What tasks of a node use now; those that do not run are left out.
   *
   * @throws NodeRefusedError
   */
  sample(node: NodeName, taskIds: readonly string[], abort: AbortSignal): Promise<TaskSample[]>;

  /**
   * What a task printed, in chunks that join on: what is missing between them they say themselves. A link that is cut is
   * resumed from the last byte when the node is back, if `follow`.
   *
   * @throws NodeRefusedError when the node is not connected (and not `follow`) or has no such log.
   */
  readLog(task: Task, request: LogRequest, abort: AbortSignal): AsyncIterable<LogChunk>;

  /**
   * Gives a task input until it takes no more, or `supply` has no more. A link that is cut is resumed from what was taken when
   * the node is back. A task has one giver at a time: the latest; who was before is refused.
   *
   * @throws NodeRefusedError when the attempt takes no input, or has lost it.
   * @throws the reason of `abort`.
   */
  giveInput(task: Task, attempt: number, supply: InputSupply, abort: AbortSignal): Promise<void>;

  /**
   * Has a node do something with files. Nothing is done over: after a link that was cut it is asked again.
   *
   * @param abort breaks it off, also when it is open.
   * @throws NodeRefusedError when the node refuses, or does as much with files as it may; NodeDeniedError; NodeGoneError.
   * @throws the reason of `abort`.
   */
  openFiles(node: NodeName, order: FileOrder, operator: string, abort: AbortSignal): Promise<FileStream>;

  /**
   * Takes a node out: in one transaction it is removed, its tasks that have not ended end as unknown, and `record` records what
   * belongs to it; then its sessions are cut and told not to come back.
   *
   * @returns how many tasks have ended so.
   */
  removeNode(removed: RemovedNode, record: (writer: StoreWriter) => Promise<void>): Promise<number>;

  /** Whether agents can connect. */
  isListening(): boolean;

  /** Sessions of agents that are not over, by the name of their state; states that none has are there too. */
  countSessions(): ReadonlyMap<string, number>;

  /** Set as long as most nodes that were there are gone, and went at once. */
  findMassLoss(): MassLoss | undefined;

  /** How the controller stands to a node. */
  liveness(node: NodeName): NodeLiveness;

  /**
   * Calls `listener` with every task that changes from now on, after its commit. It must not throw and must not block.
   * Dispose of the result to stop.
   */
  onTaskChange(listener: (task: Task) => void): Disposable;

  /** The same for changes of a node's state. */
  onNodeChange(listener: (node: NodeName, liveness: NodeLiveness) => void): Disposable;
}
