/**
 * What is known of one run whose tasks are not started all at once, and what is to be done about it next. Told of every change
 * of its tasks; does nothing itself.
 *
 *   held ──its turn──► under way ──► ended
 *     ▲                   │  │
 *     └──its node left────┘  └ or skipped, from held, once too many have failed
 *
 * One under way has a place, but for one that does not run as far as anybody knows and whose node is unreachable: it gives its
 * place up until the node is back, and meanwhile counts as failed where nodes are not waited for.
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

/** How the controller stands to nodes, now. */
export interface PaceNodes {
  /** Whether a node is neither connected nor about to be. */
  isAway(node: NodeName): boolean;
  /** Whether a node is away and nobody expects it back. */
  isUnreachable(node: NodeName): boolean;
}

/** A task that has had its turn and has not ended. */
interface UnderWay {
  readonly node: NodeName;
  /** It was told to run, and may still do where its node is away. */
  readonly runs: boolean;
}

/** One run. */
export class PacedRun {
  readonly record: RunRecord;
  readonly #limits: PaceLimits;
  /** In natural order of their nodes. */
  readonly #held: Map<TaskId, NodeName>;
  readonly #underWay = new Map<TaskId, UnderWay>();
  #failures = 0;
  #endedAtMs: number[] = [];

  /** @param tasks all of the run's. Of those that have ended already nobody knows when: they keep no place. */
  constructor(record: RunRecord, pacing: Pacing, tasks: readonly Task[]) {
    this.record = record;
    this.#limits = paceLimits(pacing, tasks.length);
    const held = tasks.filter(isHeld).toSorted((a, b) => compareNames(a.node, b.node));
    this.#held = new Map(held.map(({ id, node }) => [id, node]));
    for (const task of tasks) {
      if (task.state !== TaskState.ENDED && !isHeld(task)) this.#underWay.set(task.id, underWay(task));
      if (isFailure(task)) this.#failures += 1;
    }
  }

  /** The controller has started anew: the places of tasks that ended shortly before are taken for a whole sleep. */
  sleepFirst(nowMs: number): void {
    const free = this.#limits.tasksAtOnce - this.#underWay.size;
    if (this.#limits.sleepMs > 0 && free > 0) this.#endedAtMs = new Array(free).fill(nowMs);
  }

  /** A task as it is now; `nowMs` by the clock of `plan`. */
  update(task: Task, nowMs: number): void {
    const { id } = task;
    if (task.state === TaskState.ENDED) {
      const hadPlace = this.#underWay.delete(id);
      const isNews = this.#held.delete(id) || hadPlace;
      if (isNews && isFailure(task)) this.#failures += 1;
      if (hadPlace && this.#limits.sleepMs > 0) this.#endedAtMs.push(nowMs);
    } else if (isHeld(task)) {
      this.#underWay.delete(id);
      this.#held.set(id, task.node);
    } else {
      this.#held.delete(id);
      this.#underWay.set(id, underWay(task));
    }
  }

  /** Every task has had its turn. One whose node leaves just then may be held again. */
  get isOver(): boolean {
    return this.#held.size === 0 && this.#underWay.size === 0;
  }

  /** What is to be done next. */
  plan(nodes: PaceNodes, nowMs: number): PaceStep {
    this.#endedAtMs = this.#endedAtMs.filter((endedAtMs) => endedAtMs + this.#limits.sleepMs > nowMs);
    const given = this.#placesGivenUp(nodes);
    const failures = this.#failures + (this.#waitsForNodes ? 0 : given);
    const facts = { active: this.#underWay.size - given, failures, endedAtMs: this.#endedAtMs };
    const { places, isOver, nextPlaceMs } = decidePace(this.#limits, facts, nowMs);
    if (this.#held.size === 0) return { kind: 'wait', forMs: undefined };
    if (isOver) {
      const reason = describeTooManyFailures(this.#limits, failures);
      return { kind: 'skip', ids: [...this.#held.keys()], reason };
    }
    const ids = this.#next(places, nodes);
    return ids.length > 0 ? { kind: 'start', ids } : { kind: 'wait', forMs: nextPlaceMs };
  }

  /** Whose turn it is: where it is waited for nodes that are away, others go first. */
  #next(places: number, nodes: PaceNodes): TaskId[] {
    const ids: TaskId[] = [];
    for (const [id, node] of this.#held) {
      if (ids.length >= places) break;
      if (!this.#waitsForNodes || !nodes.isAway(node)) ids.push(id);
    }
    return ids;
  }
  get #waitsForNodes(): boolean {
    return this.record.whenUnreachable === WhenUnreachable.WAIT;
  }

  #placesGivenUp(nodes: PaceNodes): number {
    const tasks = [...this.#underWay.values()];
    return tasks.filter(({ node, runs }) => !runs && nodes.isUnreachable(node)).length;
  }
}

function underWay({ node, state }: Task): UnderWay {
  return { node, runs: state === TaskState.RUNNING || state === TaskState.STOPPING };
}
