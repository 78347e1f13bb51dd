/**
 * What is known of one run whose tasks are not started all at once, and what is to be done about it next. Told of every change
 * of its tasks; does nothing itself.
 *
 *   held ──its turn──► under way ──► ended
 *     ▲                   │  │
 *     └──its node left────┘  └ or skipped, from held, once too many have failed
 */
import type { RunRecord } from '#controller/store/store.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { decidePace, describeTooManyFailures, isFailure, type PaceLimits, paceLimits } from '#core/pacing.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { type Pacing, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, TaskId } from '#protocol/ids.ts';
import { isHeld } from './pending-reason.ts';

/** What is to be done now. */
export type PaceStep =
  | { readonly kind: 'start'; readonly ids: readonly TaskId[] }
  | { readonly kind: 'skip'; readonly ids: readonly TaskId[]; readonly reason: string }
  /** Nothing, until a task or node changes or, where it is set, so many milliseconds have passed. */
  | { readonly kind: 'wait'; readonly forMs: number | undefined };

/** One run. */
export class PacedRun {
  readonly record: RunRecord;
  readonly #limits: PaceLimits;
  /** In natural order of their nodes. */
  readonly #held: Map<TaskId, NodeName>;
  readonly #active = new Set<TaskId>();
  #failures = 0;
  #endedAtMs: number[] = [];

  /** @param tasks all of the run's. Of those that have ended already nobody knows when: they keep no place. */
  constructor(record: RunRecord, pacing: Pacing, tasks: readonly Task[]) {
    this.record = record;
    this.#limits = paceLimits(pacing, tasks.length);
    const held = tasks.filter(isHeld).toSorted((a, b) => compareNames(a.node, b.node));
    this.#held = new Map(held.map(({ id, node }) => [id, node]));
    for (const task of tasks) {
      if (task.state !== TaskState.ENDED && !isHeld(task)) this.#active.add(task.id);
      if (isFailure(task)) this.#failures += 1;
    }
  }

  /** The controller has started anew: the places of tasks that ended shortly before are taken for a whole sleep. */
  sleepFirst(nowMs: number): void {
    const free = this.#limits.tasksAtOnce - this.#active.size;
    if (this.#limits.sleepMs > 0 && free > 0) this.#endedAtMs = new Array(free).fill(nowMs);
  }

  /** A task as it is now; `nowMs` by the clock of `plan`. */
  update(task: Task, nowMs: number): void {
    const { id } = task;
    if (task.state === TaskState.ENDED) {
      const hadPlace = this.#active.delete(id);
      const isNews = this.#held.delete(id) || hadPlace;
      if (isNews && isFailure(task)) this.#failures += 1;
      if (hadPlace && this.#limits.sleepMs > 0) this.#endedAtMs.push(nowMs);
    } else if (isHeld(task)) {
      this.#active.delete(id);
      this.#held.set(id, task.node);
    } else {
      this.#held.delete(id);
      this.#active.add(id);
    }
  }

  /** Every task has had its turn. One whose node leaves just then may be held again. */
  get isOver(): boolean {
    return this.#held.size === 0 && this.#active.size === 0;
  }

  /** @param isAway whether a node is neither connected nor about to be. */
  plan(isAway: (node: NodeName) => boolean, nowMs: number): PaceStep {
    this.#endedAtMs = this.#endedAtMs.filter((endedAtMs) => endedAtMs + this.#limits.sleepMs > nowMs);
    const facts = { active: this.#active.size, failures: this.#failures, endedAtMs: this.#endedAtMs };
    const { places, isOver, nextPlaceMs } = decidePace(this.#limits, facts, nowMs);
    if (this.#held.size === 0) return { kind: 'wait', forMs: undefined };
    if (isOver) {
      const reason = describeTooManyFailures(this.#limits, this.#failures);
      return { kind: 'skip', ids: [...this.#held.keys()], reason };
    }
    const ids = this.#next(places, isAway);
    return ids.length > 0 ? { kind: 'start', ids } : { kind: 'wait', forMs: nextPlaceMs };
  }

  /** Whose turn it is: where it is waited for nodes that are away, others go first. */
  #next(places: number, isAway: (node: NodeName) => boolean): TaskId[] {
    const waits = this.record.whenUnreachable === WhenUnreachable.WAIT;
    const ids: TaskId[] = [];
    for (const [id, node] of this.#held) {
      if (ids.length >= places) break;
      if (!waits || !isAway(node)) ids.push(id);
    }
    return ids;
  }
}
