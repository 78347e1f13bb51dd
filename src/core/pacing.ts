/**
 * When the tasks of a run are started that is not to start all at once: how many places are free, whether the run has failed too
 * often to go on, and when time alone changes that. Pure; whose turn it is, is the caller's business.
 */
import { Cause, type Pacing, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { type Ending, endingOf } from './outcome.ts';

/** A pacing, in tasks of one run. */
export interface PaceLimits {
  /** At least 1; infinite without a limit. */
  readonly tasksAtOnce: number;
  /** Failures that are put up with; infinite without a limit. */
  readonly failuresMax: number;
  /** How long the place of a task that has ended stays taken, milliseconds. */
  readonly sleepMs: number;
}

/** How far a run is. */
export interface PaceFacts {
  /** Tasks that have a place. */
  readonly active: number;
  /** Tasks that have failed. */
  readonly failures: number;
  /** When tasks that had a place have ended, oldest first; any clock, milliseconds. */
  readonly endedAtMs: readonly number[];
}

/** What may be done now. */
export interface PaceDecision {
  /** So many tasks may be started; 0 where the run has failed too often. May be infinite. */
  readonly places: number;
  /** No other task may be started, ever. */
  readonly isOver: boolean;
  /** In so many milliseconds there is a place more; undefined where time alone changes nothing. */
  readonly nextPlaceMs: number | undefined;
}

/** The limits for a run of `tasks` tasks: per cents are rounded down, and one task may always run. */
export function paceLimits(pacing: Pacing, tasks: number): PaceLimits {
  const { maxConcurrency, maxConcurrencyPercent, maxErrors, maxErrorsPercent, batchSleepMs } = pacing;
  const share = (percent: number) => Math.floor((tasks * percent) / 100);
  const atOnce = maxConcurrency || (maxConcurrencyPercent && Math.max(1, share(maxConcurrencyPercent)));
  const ofAll = maxErrorsPercent === undefined ? undefined : share(maxErrorsPercent);
  return {
    tasksAtOnce: atOnce || Number.POSITIVE_INFINITY,
    failuresMax: maxErrors ?? ofAll ?? Number.POSITIVE_INFINITY,
    sleepMs: Number(batchSleepMs),
  };
}

/** Decides for one moment, `nowMs` by the clock of `endedAtMs`. */
export function decidePace(limits: PaceLimits, facts: PaceFacts, nowMs: number): PaceDecision {
  if (facts.failures > limits.failuresMax) return { places: 0, isOver: true, nextPlaceMs: undefined };
  const asleep = facts.endedAtMs.filter((endedAtMs) => endedAtMs + limits.sleepMs > nowMs);
  const places = Math.max(0, limits.tasksAtOnce - facts.active - asleep.length);
  const [first] = asleep;
  return {
    places,
    isOver: false,
    nextPlaceMs: first === undefined ? undefined : first + limits.sleepMs - nowMs,
  };
}

/** Why tasks of a run that has failed too often are skipped; one line. */
export function describeTooManyFailures(
  { failuresMax }: Pick<PaceLimits, 'failuresMax'>,
  failures: number,
): string {
  return `${failures} failed, and at most ${failuresMax} may`;
}

const failures: ReadonlySet<Ending> = new Set(['failed', 'not_started', 'unreachable', 'unknown']);

/** Whether the end of a task counts among the failures of its run: also where its time limit brought a good end about. */
export function isFailure({ state, outcome, cause }: Task): boolean {
  if (state !== TaskState.ENDED) return false;
  return cause === Cause.TIMEOUT || failures.has(outcome ? endingOf(outcome) : 'unknown');
}
