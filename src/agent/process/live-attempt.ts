/** One attempt that is not over, as the task host holds it: its life and what belongs to it besides. Decides nothing. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Clock } from '#base/clock.ts';
import type { Start } from '#protocol/gen/drover/v1/link_pb.ts';
import { AttemptSchema, type Cause, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptId } from '#protocol/ids.ts';
import { type AttemptLife, newLife } from './attempt-life.ts';
import type { AttemptHistory } from './plan-restart.ts';

/** Longest delay of a timer. */
const timerMaxMs = 2 ** 31 - 1;

/** The reason for all: the default is an error of its own for each, whose stack costs more than the rest of the end. */
const itIsOver = new Error('the attempt is over');

/**
 * How far the start has come: not in the journal · in the journal, and not known to the supervisor · asked of the supervisor,
 * perhaps in vain · the supervisor has it.
 */
export type AttemptPhase = 'queued' | 'accepted' | 'sent' | 'known';

/** An attempt and what it holds. */
export class LiveAttempt {
  readonly id: string;
  readonly start: Start;
  life: AttemptLife;
  phase: AttemptPhase = 'queued';
  /** The boot in which it was taken on; undefined before, or where the journal lost that. */
  bootId: string | undefined;
  /** The cause of a stop that came before the supervisor was asked: it is not started then. */
  cancelled: Cause | undefined;
  /** Its terminal is to stay although nobody is at it. */
  lineStays = false;
  /** Aborts whoever gives it input. */
  giver: AbortController | undefined;
  /** Attempts of its task that failed soon, in a row, just before it. */
  readonly failuresBefore: number;
  readonly #over = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  readonly #timers = new Map<string, Disposable>();

  constructor(start: Start, clock: Clock, failuresBefore = 0) {
    this.failuresBefore = failuresBefore;
    this.id = attemptId(start.taskId, start.attempt);
    this.start = start;
    const state = { number: start.attempt, state: TaskState.STARTING };
    const attempt = create(AttemptSchema, { ...state, stateAt: timestampFromMs(clock.wallMs()) });
    this.life = newLife(attempt, start.spec);
  }

  /** What its restart policy looks at besides its end. */
  get history(): AttemptHistory {
    return { failuresBefore: this.failuresBefore, stoppedBy: this.cancelled ?? this.life.stoppedBy };
  }

  /** Aborts when the attempt is over. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Resolves when a process of it runs, or never will. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Its start is over, one way or the other. */
  settle(): void {
    this.#settled.resolve();
  }

  /** Calls `callback` after the delay, in place of an earlier timer of that name. */
  arm(timer: string, delayMs: number, clock: Clock, callback: () => void): void {
    this.#timers.get(timer)?.[Symbol.dispose]();
    const rest = delayMs - timerMaxMs;
    const due = rest > 0 ? () => this.arm(timer, rest, clock, callback) : callback;
    this.#timers.set(timer, clock.schedule(Math.min(delayMs, timerMaxMs), due));
  }

  /** The timer of that name does not matter any more. */
  cancel(timer: string): void {
    this.#timers.get(timer)?.[Symbol.dispose]();
    this.#timers.delete(timer);
  }

  /** It is over: readers of its output may end, and no timer matters. */
  finish(): void {
    this.disarm();
    this.settle();
    this.#over.abort(itIsOver);
  }

  /** Cancels its timers. */
  disarm(): void {
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#timers.clear();
  }
}
