/**
 * Tasks that wait between two attempts: keeps the time, and takes the next attempt on when it has come. Whether there is a
 * next one was decided when the last ended (plan-restart.ts) and is in the journal with that end, so that an agent that
 * starts again, in whatever boot, goes on waiting. Nothing here needs a controller.
 *
 *   ended, restart at ──► waiting ──due──► accepted in the journal ──► launched as any attempt that was taken on
 *                            │                     │ the disk fails: due again in a second
 *                            └──stop──► called off: told as a last change of the ended attempt
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Journal } from '#agent/journal/journal.ts';
import type { JournalAttempt } from '#agent/journal/journal-state.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { pauseMaxMs, reasonOfStop } from '#core/restart-policy.ts';
import type { Start } from '#protocol/gen/drover/v1/link_pb.ts';
import { type Attempt, Cause } from '#protocol/gen/drover/v1/task_pb.ts';
import type { Attempts } from './attempts.ts';
import { LiveAttempt } from './live-attempt.ts';
import { failuresBeforeNext, nextStart, withoutRestart } from './plan-restart.ts';

/** Pause before a restart that the journal could not take is tried again, milliseconds. */
const retryMs = 1_000;

/** What restarts need. */
export interface RestartsParts {
  readonly journal: Journal;
  readonly attempts: Attempts;
  readonly clock: Clock;
  readonly log: Logger;
  /** The kernel's id of this boot. */
  readonly bootId: () => string;
  /** Launches an attempt that is in the journal. */
  readonly launch: (live: LiveAttempt) => void;
}

/** A task between two attempts. */
interface Waiting {
  /** The order of the attempt that ended. */
  readonly start: Start;
  /** That attempt. */
  readonly ended: Attempt;
  /** For the attempt to come. */
  readonly failuresBefore: number;
  timer: Disposable | undefined;
  /** Who stopped the task while the next attempt was on its way into the journal. */
  stoppedBy: Cause | undefined;
}

/** The tasks of a node that wait for their next attempt. */
export class Restarts {
  readonly #parts: RestartsParts;
  readonly #waiting = new Map<string, Waiting>();
  #closed = false;

  constructor(parts: RestartsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Number of the attempt that the task waits for; undefined where it does not wait. */
  nextAttempt(taskId: string): number | undefined {
    const waiting = this.#waiting.get(taskId);
    return waiting && waiting.start.attempt + 1;
  }

  /** The attempt has ended and says when it is to be followed by another. */
  wait({ start, life, history }: LiveAttempt): void {
    this.#wait(start, life.attempt, failuresBeforeNext(life.attempt, history));
  }

  /** Goes on waiting where an earlier agent waited: with an attempt that the journal has as ended, and not followed. */
  restore({ accepted, latest, taskId }: JournalAttempt): void {
    const ended = latest?.attempt;
    if (!ended?.restartAt) return;
    if (!accepted) {
      // A damaged journal has lost it.
      const reason = 'not restarted: its agent has lost the order';
      void this.#parts.journal.report(taskId, withoutRestart(ended, Cause.ITSELF, reason));
      return;
    }
    const { start, failuresBefore } = accepted;
    this.#wait(start, ended, failuresBeforeNext(ended, { failuresBefore, stoppedBy: undefined }));
  }

  /** Ends a task that waits; resolves when that is told. Nothing happens to one that does not wait. */
  async callOff(taskId: string, cause: Cause): Promise<void> {
    const waiting = this.#waiting.get(taskId);
    if (!waiting) return;
    if (!waiting.timer) {
      // Its next attempt is on its way into the journal, and is not started from there.
      waiting.stoppedBy ??= cause;
      return;
    }
    waiting.timer[Symbol.dispose]();
    await this.#end(waiting, cause);
  }

  /** No restart happens any more. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#waiting.values()) timer?.[Symbol.dispose]();
  }

  #wait(start: Start, ended: Attempt, failuresBefore: number): void {
    const waiting = { start, ended, failuresBefore, timer: undefined, stoppedBy: undefined };
    this.#waiting.set(start.taskId, waiting);
    const { restartAt } = ended;
    const leftMs = restartAt ? timestampMs(restartAt) - this.#parts.clock.wallMs() : 0;
    // The wall clock may have been set back since.
    const pauseMs = Math.min(leftMs, start.spec?.restart ? pauseMaxMs(start.spec.restart) : 0);
    this.#arm(waiting, pauseMs);
  }

  #arm(waiting: Waiting, delayMs: number): void {
    waiting.timer = this.#parts.clock.schedule(delayMs, () => void this.#begin(waiting));
  }

  async #begin(waiting: Waiting): Promise<void> {
    const { journal, attempts, clock, log, bootId, launch } = this.#parts;
    const { start, failuresBefore } = waiting;
    const live = new LiveAttempt(nextStart(start), clock, failuresBefore);
    waiting.timer = undefined;
    try {
      await journal.accept(live.start, bootId(), live.life.attempt, failuresBefore);
    } catch (error) {
      log.debug({ task: start.taskId, err: error }, 'a restart waits until the journal can be written');
      if (waiting.stoppedBy !== undefined) await this.#end(waiting, waiting.stoppedBy);
      else if (!this.#closed) this.#arm(waiting, retryMs);
      return;
    }
    // Then the next agent finds it in the journal.
    if (this.#closed) return;
    live.phase = 'accepted';
    live.bootId = bootId();
    this.#waiting.delete(start.taskId);
    attempts.add(live);
    if (waiting.stoppedBy !== undefined) attempts.stop(live, waiting.stoppedBy, 0);
    launch(live);
  }

  /** Told before it is on disk where the disk fails: whoever stops a task need not wait for that. */
  async #end({ start, ended }: Waiting, cause: Cause): Promise<void> {
    this.#waiting.delete(start.taskId);
    await this.#parts.journal.tell(start.taskId, withoutRestart(ended, cause, reasonOfStop(cause)));
  }
}
