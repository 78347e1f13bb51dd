/**
 * What is known of the tasks that somebody waits for, and when there is nothing more to wait for. Pure but for its own
 * state: told tasks and times, asked questions. A node that stays away makes its tasks count as unreachable: losing
 * contact is no outcome, but no reason to wait for ever either.
 */
import { Freshness, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

/**
 * How long a node may be stale before its tasks are given up, milliseconds: three of the shortest heartbeat intervals
 * and 5 s, after which a controller calls it unreachable. An agent that is only restarted is back long before.
 */
export const staleGraceMs = 20_000;

/** Tasks that are waited for. */
export class TaskWatch {
  readonly #tasks = new Map<string, Task>();
  readonly #staleSince = new Map<string, number>();
  readonly #patient: boolean;
  /** How many there are; more than are known while they are still being told. */
  #expected = Number.POSITIVE_INFINITY;

  /** @param patient nodes that are away are waited for too, however long. */
  constructor(patient = false) {
    this.#patient = patient;
  }

  /** So many tasks there are to wait for. */
  expect(count: number): void {
    this.#expected = count;
  }

  /** A task as it is now; `nowMs` on the monotonic clock. */
  update(task: Task, nowMs: number): void {
    this.#tasks.set(task.id, task);
    const live = task.state === TaskState.ENDED || task.freshness === Freshness.LIVE;
    if (live) this.#staleSince.delete(task.id);
    else if (!this.#staleSince.has(task.id)) this.#staleSince.set(task.id, nowMs);
  }

  /** All of them, as last heard. */
  get tasks(): readonly Task[] {
    return [...this.#tasks.values()];
  }

  /** Those that have not ended. */
  get active(): readonly Task[] {
    return this.tasks.filter((task) => task.state !== TaskState.ENDED);
  }

  /** Its node is away for so long, or lost, that nobody waits for it. */
  isUnreachable(task: Task, nowMs: number): boolean {
    const since = this.#staleSince.get(task.id);
    if (this.#patient || since === undefined) return false;
    return task.freshness === Freshness.LOST || nowMs - since >= staleGraceMs;
  }

  /** Every task has ended or is unreachable. False while not all are known. */
  isOver(nowMs: number): boolean {
    return this.#tasks.size >= this.#expected && this.active.every((task) => this.isUnreachable(task, nowMs));
  }

  /** Milliseconds until `isOver` may change by the mere passing of time; undefined where it cannot. */
  nextLookMs(nowMs: number): number | undefined {
    if (this.#patient || this.#staleSince.size === 0) return undefined;
    const dues = [...this.#staleSince.values()].map((since) => since + staleGraceMs - nowMs);
    return Math.max(Math.min(...dues.filter((due) => due > 0), Number.POSITIVE_INFINITY), 0);
  }
}
