/**
 * The seam between an agent's session with its controller and the tasks and files on its node.
 *
 * GUARANTEES. The workload works without a session: tasks start, end and are recorded whether or not anybody listens.
 * Events come in the order of their sequence numbers, each after it is on disk, and stay until acknowledged.
 * `start` never throws and never waits: what becomes of it is an event, also when it is refused.
 *
 *   session ──start, signal, stop, sample, readLog, takeInput──► workload ──► policy, journal, supervisor
 *   session ◄──events, log chunks, offsets of input───────────── workload
 *   session ◄──carryOutFiles: frames in both directions────────► workload ──► policy, file system
 */
import type {
  Event,
  FilesDown,
  FilesUp,
  InputFrame,
  OpenFiles,
  OpenInput,
  OpenLog,
  Start,
} from '#protocol/gen/drover/v1/link_pb.ts';
import type {
  Cause,
  LogChunk,
  ResourceUsage,
  SignalScope,
  TaskSample,
} from '#protocol/gen/drover/v1/task_pb.ts';

/** An order that cannot be carried out; the message is one line for the operator, without the node's name. */
export class RefusedOrderError extends Error {
  override readonly name = 'RefusedOrderError';
  /** Whether the node's policy forbids it. */
  readonly denied: boolean;

  constructor(message: string, options?: ErrorOptions & { readonly denied?: boolean }) {
    super(message, options);
    this.denied = options?.denied ?? false;
  }
}

/** What Hello tells of the journal. */
export interface Held {
  readonly journalId: string;
  readonly lastEvent: bigint;
  readonly tasks: readonly string[];
}

/** The tasks of one node. */
export interface Workload {
  /** What the journal holds now. */
  held(): Held;

  /** Takes an attempt on, once: the same task and attempt again only has its latest event sent again. */
  start(order: Start): void;

  /** @returns the process id that it went to. @throws RefusedOrderError for no such task, an ended one, an unknown signal, a policy that forbids it. */
  signal(taskId: string, signal: string, scope: SignalScope): Promise<number>;

  /** Begins the stop: stop signal, grace, SIGKILL to all of it. Twice is once, with the shorter grace. @throws RefusedOrderError */
  stop(taskId: string, graceMs: number, cause: Cause): Promise<void>;

  /** RUSAGE_CHILDREN of the supervisor. @throws RefusedOrderError when the supervisor cannot be asked. */
  usage(): Promise<ResourceUsage>;

  /**
   * What these tasks use now, in any order; those that do not run, or end meanwhile, are left out.
   *
   * @throws RefusedOrderError for more than limits.samplesMax, or when the supervisor cannot be asked.
   */
  sample(taskIds: readonly string[]): Promise<readonly TaskSample[]>;

  /** A task's output; ends by itself, or when `abort` aborts. @throws RefusedOrderError when there is no such log. */
  readLog(order: OpenLog, abort: AbortSignal): AsyncIterable<LogChunk>;

  /**
   * Gives `frames` to an attempt, as soon as it runs. Yields up to where its input was taken: as it is first, then as it
   * grows. Ends when the attempt takes no more, when the frames have ended, when a detach is recorded, or when `abort` aborts.
   *
   * @throws RefusedOrderError when it has no input, nobody has its input any more, or a frame makes no sense.
   */
  takeInput(order: OpenInput, frames: AsyncIterable<InputFrame>, abort: AbortSignal): AsyncIterable<bigint>;

  /**
   * Carries out an order about files, with the frames that come down for it; yields those that go up. Ends when all was tried, or
   * when `abort` aborts.
   *
   * @throws RefusedOrderError when it is refused as a whole, or what comes down makes no sense.
   */
  carryOutFiles(
    order: OpenFiles,
    frames: AsyncIterable<FilesDown>,
    abort: AbortSignal,
  ): AsyncIterable<FilesUp>;

  /** A session with the controller is up until the result is disposed of. */
  linked(): Disposable;

  /**
   * Calls `listener` with every event after `afterSequence` that is not acknowledged, then with each new one.
   * It must not throw. Dispose of the result to stop.
   */
  listen(afterSequence: bigint, listener: (event: Event) => void): Disposable;

  /** The controller has these events on disk: they may be forgotten. */
  acknowledge(sequence: bigint): void;
}
