/** Follows tasks until all have ended or are beyond reach, across lost connections. Prints nothing itself. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import { CommandError } from '#cli/command-error.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { FollowTasksResponse, TaskQuerySchema } from '#protocol/gen/drover/v1/api_pb.ts';
import type { LogChunk, Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { LogCursor } from './log-cursor.ts';
import { retryStream } from './retry-stream.ts';
import { type Patience, TaskWatch } from './task-watch.ts';

/** Whom to follow, and how. */
export interface FollowOptions extends Patience {
  readonly query: MessageInitShape<typeof TaskQuerySchema>;
  /** With what they print. */
  readonly output: boolean;
  /** Give up after that many milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** The controller was reached just before, so that it is waited for when it is away at the first try. */
  readonly reached?: boolean;
  readonly clock: Clock;
  readonly abort: AbortSignal;
}

/** Where the news goes. Awaited, so that a slow reader holds up the stream. */
export interface FollowSink {
  task(task: Task): void | Promise<void>;
  log(chunk: LogChunk): void | Promise<void>;
  /** The controller went away, or is back. */
  contact(lost: boolean): void;
  /** Nothing more comes, for whatever reason. */
  end(): void;
}

/** How it ended. */
export interface Followed {
  readonly tasks: readonly Task[];
  /** Ids of those that were given up because their nodes are away. */
  readonly unreachable: ReadonlySet<string>;
}

/**
 * Follows until everything has ended or is unreachable.
 *
 * @throws CommandError exit code 3 after `timeoutMs`; what the API refuses with; the abort's reason.
 */
export async function followTasks(
  { tasks }: Pick<Connection, 'tasks'>,
  options: FollowOptions,
  sink: FollowSink,
): Promise<Followed> {
  const { clock, abort } = options;
  const watch = new TaskWatch(options);
  const over = new AbortController();
  let timedOut = false;
  using _deadline = clockTimer(clock, options.timeoutMs, () => {
    timedOut = true;
    over.abort();
  });
  using look = new Look(clock, watch, over);
  const signal = AbortSignal.any([abort, over.signal]);
  const { query, output } = options;
  const open = () => tasks.followTasks({ query, output, everyAttempt: output }, { signal });
  const cursor = new LogCursor();
  try {
    const stream = retryStream(open, {
      clock,
      abort: signal,
      reached: options.reached ?? false,
      onLost: () => sink.contact(true),
      onBack: () => sink.contact(false),
    });
    for await (const news of stream) {
      await deliver(news, { watch, cursor, sink, nowMs: clock.monotonicMs() });
      look.again();
    }
  } catch (error) {
    if (abort.aborted || !over.signal.aborted) throw error;
  } finally {
    sink.end();
  }
  if (timedOut) throw timeoutError(watch);
  const nowMs = clock.monotonicMs();
  const unreachable = watch.active.filter((task) => watch.isUnreachable(task, nowMs));
  return { tasks: watch.tasks, unreachable: new Set(unreachable.map((task) => task.id)) };
}

interface Delivery {
  readonly watch: TaskWatch;
  readonly cursor: LogCursor;
  readonly sink: FollowSink;
  readonly nowMs: number;
}

async function deliver({ kind }: FollowTasksResponse, { watch, cursor, sink, nowMs }: Delivery) {
  if (kind.case === 'selected') watch.expect(kind.value);
  else if (kind.case === 'task') {
    watch.update(kind.value, nowMs);
    await sink.task(kind.value);
  } else if (kind.case === 'log') {
    const chunk = cursor.unread(kind.value);
    if (chunk) await sink.log(chunk);
  }
}

function timeoutError(watch: TaskWatch): CommandError {
  const count = watch.active.length;
  return new CommandError(
    exitCodes.timedOut,
    `timed out: ${count} ${count === 1 ? 'task has' : 'tasks have'} not ended`,
  );
}

function clockTimer(clock: Clock, delayMs: number | undefined, callback: () => void): Disposable | undefined {
  return delayMs === undefined ? undefined : clock.schedule(delayMs, callback);
}

/** Looks at the watch again when time alone may have ended it. */
class Look {
  readonly #clock: Clock;
  readonly #watch: TaskWatch;
  readonly #over: AbortController;
  #timer: Disposable | undefined;

  constructor(clock: Clock, watch: TaskWatch, over: AbortController) {
    this.#clock = clock;
    this.#watch = watch;
    this.#over = over;
  }

  again(): void {
    this[Symbol.dispose]();
    const nowMs = this.#clock.monotonicMs();
    if (this.#watch.isOver(nowMs)) {
      this.#over.abort();
      return;
    }
    const nextMs = this.#watch.nextLookMs(nowMs);
    if (nextMs === undefined) return;
    this.#timer = this.#clock.schedule(nextMs, () => this.again());
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}
