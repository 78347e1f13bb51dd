/**
 * Follows one task for one reader: each change as it comes, and its output before the change that ends it.
 *
 * The log is opened late, so that the many commands that print nothing cost no stream: when an attempt has been running
 * for 50 ms, or at its end if it has printed. The attempts of a task are delivered one after the other. Its end is held back
 * until the output was delivered whole, or until its node is unreachable; then the end says that the output is missing.
 *
 *   change ──► running ──50 ms──► log open ──► chunks ─┐ ──► log of the next attempt
 *      └─────► ended ──printed nothing──► end ◄────────┘ drained, refused, or node gone
 */
import { create } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import { type Dispatch, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { nodeStateWord } from '#core/liveness.ts';
import { type FollowTasksResponse, FollowTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import {
  type Attempt,
  type Freshness,
  LogSource,
  type Task,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { chunkBytes } from './chunk-bytes.ts';
import { presentTask } from './present-task.ts';
import type { ResponseQueue } from './response-queue.ts';
import { isOlder, latestAttempt } from './task-progress.ts';

/** Commands that end sooner than this are not worth a stream while they run. */
export const logDelayMs = 50;

/** Where a follower works. */
export interface FollowerOptions {
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  readonly queue: ResponseQueue<FollowTasksResponse>;
  /** Whether to deliver what it prints: nothing, from its latest attempt on, or from its first. */
  readonly output: 'none' | 'latest' | 'every';
  /** The reader's life. */
  readonly signal: AbortSignal;
  /** Called once, when the end has been queued. */
  readonly onEnd: () => void;
}

/** One task being followed. */
export class TaskFollower implements Disposable {
  readonly #options: FollowerOptions;
  #task: Task;
  #shown: Freshness | undefined;
  #over = false;
  /** Attempts up to here are being delivered, or have nothing to deliver. */
  #opened = 0;
  #pumps = 0;
  #pumping = Promise.resolve();
  /** Why output is missing. */
  #missing = '';
  #delay: Disposable | undefined;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;

  constructor(task: Task, options: FollowerOptions) {
    this.#task = task;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#abort.signal]);
    if (options.output === 'latest') this.#opened = Math.max(0, latestAttempt(task) - 1);
    if (options.output === 'none') this.#opened = Number.POSITIVE_INFINITY;
    this.#show();
  }

  /** Name of its node. */
  get node(): string {
    return this.#task.node;
  }

  /** Takes a later picture of the task; an older one is passed over. */
  change(task: Task): void {
    if (this.#over || isOlder(task, this.#task)) return;
    this.#task = task;
    this.#show();
  }

  /** Its node's state has changed. */
  nodeChanged(): void {
    if (this.#over) return;
    if (this.#task.state === TaskState.ENDED) this.#finishIfGone();
    else this.#showFreshness();
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#delay?.[Symbol.dispose]();
    this.#abort.abort();
  }

  #show(): void {
    if (this.#task.state === TaskState.ENDED) this.#showEnd();
    else this.#showActive();
  }

  #showFreshness(): void {
    const presented = presentTask(this.#task, this.#options.dispatch);
    if (presented.freshness !== this.#shown) this.#offer(presented);
  }

  #showActive(): void {
    this.#offer(presentTask(this.#task, this.#options.dispatch));
    this.#openEnded();
    const latest = this.#task.attempts.at(-1);
    const runs = latest?.state === TaskState.RUNNING || latest?.state === TaskState.STOPPING;
    if (!runs || latest.number <= this.#opened) return;
    this.#delay ??= this.#options.clock.schedule(logDelayMs, () => this.#openLog(latest.number));
  }

  #showEnd(): void {
    this.#openEnded();
    if (this.#pumps === 0) this.#finish();
    else this.#finishIfGone();
  }

  /** Opens the logs of attempts that have ended and printed, and passes over those that have not printed. */
  #openEnded(): void {
    for (const attempt of this.#task.attempts) {
      if (attempt.number <= this.#opened || attempt.state !== TaskState.ENDED) continue;
      if (hasPrinted(attempt)) this.#openLog(attempt.number);
      else this.#passOver(attempt.number);
    }
  }

  #passOver(attempt: number): void {
    this.#delay?.[Symbol.dispose]();
    this.#delay = undefined;
    this.#opened = attempt;
  }

  #offer(presented: Task): void {
    this.#shown = presented.freshness;
    this.#options.queue.offer(presented.id, taskResponse(presented));
  }

  #openLog(attempt: number): void {
    if (this.#over) return;
    this.#passOver(attempt);
    this.#pumps++;
    this.#pumping = this.#pumping
      .then(() => this.#pump(attempt))
      .then(
        () => this.#drained(''),
        (error: unknown) => {
          if (error instanceof NodeRefusedError) this.#drained(error.message);
          else if (!this.#signal.aborted) this.#options.queue.fail(error);
        },
      );
  }

  async #pump(attempt: number): Promise<void> {
    const { dispatch, queue } = this.#options;
    const source = LogSource.UNSPECIFIED;
    const from = { stdoutOffset: 0n, stderrOffset: 0n, tailLines: 0 };
    const request = { attempt, source, ...from, follow: true, times: true };
    for await (const chunk of dispatch.readLog(this.#task, request, this.#signal)) {
      if (chunk.caughtUp) continue;
      const response = create(FollowTasksResponseSchema, { kind: { case: 'log', value: chunk } });
      await queue.put(response, chunkBytes(chunk), this.#signal);
    }
  }

  #drained(missing: string): void {
    this.#pumps--;
    this.#missing ||= missing;
    if (this.#pumps === 0 && this.#task.state === TaskState.ENDED) this.#finish();
  }

  #finishIfGone(): void {
    const { state } = this.#options.dispatch.liveness(this.#task.node);
    if (state !== NodeState.UNREACHABLE && state !== NodeState.LOST) return;
    this.#missing ||= `${this.#task.node} is ${nodeStateWord(state)}`;
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this[Symbol.dispose]();
    const presented = presentTask(this.#task, this.#options.dispatch);
    const missing = this.#missing && `its output could not be delivered whole: ${this.#missing}`;
    const reason = [presented.reason, missing].filter((line) => line !== '').join('; ');
    this.#options.queue.push(taskResponse({ ...presented, reason }));
    this.#options.onEnd();
  }
}

function hasPrinted({ stdoutBytes, stderrBytes }: Attempt): boolean {
  return stdoutBytes + stderrBytes > 0n;
}

function taskResponse(task: Task): FollowTasksResponse {
  return create(FollowTasksResponseSchema, { kind: { case: 'task', value: task } });
}
