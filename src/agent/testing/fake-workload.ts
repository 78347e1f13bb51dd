/** A workload without processes: a test puts events into it and looks at the orders that it was given. */
import { create } from '@bufbuild/protobuf';
import { type Held, RefusedOrderError, type Workload } from '#agent/workload.ts';
import {
  type Event,
  EventSchema,
  type FilesDown,
  type FilesUp,
  type InputFrame,
  type OpenFiles,
  type OpenInput,
  type OpenLog,
  type Start,
} from '#protocol/gen/drover/v1/link_pb.ts';
import {
  type Cause,
  type LogChunk,
  type ResourceUsage,
  ResourceUsageSchema,
  type SignalScope,
  type TaskSample,
  TaskSampleSchema,
} from '#protocol/gen/drover/v1/task_pb.ts';

/** Input that a test takes. */
export type FakeInput = (
  order: OpenInput,
  frames: AsyncIterable<InputFrame>,
  abort: AbortSignal,
) => AsyncIterable<bigint>;

/** Files that a test carries out orders about. */
export type FakeFiles = (
  order: OpenFiles,
  frames: AsyncIterable<FilesDown>,
  abort: AbortSignal,
) => AsyncIterable<FilesUp>;

/** A log that a test writes. */
export type FakeLog = (order: OpenLog, abort: AbortSignal) => AsyncIterable<LogChunk>;

export class FakeWorkload implements Workload {
  readonly started: Start[] = [];
  readonly stopped: { taskId: string; graceMs: number; cause: Cause }[] = [];
  readonly logs = new Map<string, FakeLog>();
  readonly inputs = new Map<string, FakeInput>();
  files: FakeFiles = () => {
    throw new RefusedOrderError('the policy allows no files', { denied: true });
  };
  /** Sessions that are up. */
  links = 0;
  acknowledged = 0n;
  #events: Event[] = [];
  #last = 0n;
  readonly #listeners = new Set<(event: Event) => void>();

  /** Puts the next event into the journal and tells it. */
  emit(taskId: string): void {
    this.#last += 1n;
    const event = create(EventSchema, { sequence: this.#last, taskId });
    this.#events.push(event);
    for (const listener of this.#listeners) listener(event);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  held(): Held {
    return {
      journalId: 'journal-1',
      lastEvent: this.#last,
      tasks: [...new Set(this.#events.map((e) => e.taskId))],
    };
  }

  start(order: Start): void {
    this.started.push(order);
  }

  async signal(taskId: string, signal: string, _scope: SignalScope): Promise<number> {
    if (signal === 'SIGSEGV') throw new Error('a bug');
    if (taskId === 'missing') throw new RefusedOrderError('there is no such task');
    return 4711;
  }

  async stop(taskId: string, graceMs: number, cause: Cause): Promise<void> {
    this.stopped.push({ taskId, graceMs, cause });
  }

  async usage(): Promise<ResourceUsage> {
    return create(ResourceUsageSchema, { userUs: 5n });
  }

  async sample(taskIds: readonly string[]): Promise<readonly TaskSample[]> {
    return taskIds.map((taskId) => create(TaskSampleSchema, { taskId, processes: 2 }));
  }

  readLog(order: OpenLog, abort: AbortSignal): AsyncIterable<LogChunk> {
    const log = this.logs.get(order.taskId);
    if (!log) throw new RefusedOrderError('there is no such log');
    return log(order, abort);
  }

  takeInput(order: OpenInput, frames: AsyncIterable<InputFrame>, abort: AbortSignal): AsyncIterable<bigint> {
    const input = this.inputs.get(order.taskId);
    if (!input) throw new RefusedOrderError('it takes no input');
    return input(order, frames, abort);
  }

  carryOutFiles(...order: Parameters<FakeFiles>): AsyncIterable<FilesUp> {
    return this.files(...order);
  }

  linked(): Disposable {
    this.links += 1;
    return {
      [Symbol.dispose]: () => {
        this.links -= 1;
      },
    };
  }

  listen(afterSequence: bigint, listener: (event: Event) => void): Disposable {
    this.#listeners.add(listener);
    for (const event of this.#events.filter((e) => e.sequence > afterSequence)) listener(event);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  acknowledge(sequence: bigint): void {
    this.acknowledged = sequence;
    this.#events = this.#events.filter((e) => e.sequence > sequence);
  }
}
