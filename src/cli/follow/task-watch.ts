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

/**
 * How long processes may be there in spite of SIGKILL before their task is given up, where it is: a disk that is slow lets go
 * in less, one that is gone never does.
 */
export const survivorsGraceMs = 10_000;

/** What may never end, and whether it is waited for. */
export interface Patience {
  /** Nodes that are away are waited for too, however long. Default false. */
  readonly patient?: boolean | undefined;
  /** Tasks with processes that SIGKILL does not end are given up. Default false. */
  readonly leavesSurvivors?: boolean | undefined;
}

/** Tasks that are waited for. */
export class TaskWatch {
  readonly #tasks = new Map<string, Task>();
  readonly #staleSince = new Map<string, number>();
  readonly #survivingSince = new Map<string, number>();
  readonly #patient: boolean;
  readonly #leavesSurvivors: boolean;
  /** How many there are; more than are known while they are still being told. */
  #expected = Number.POSITIVE_INFINITY;

  constructor({ patient = false, leavesSurvivors = false }: Patience = {}) {
    this.#patient = patient;
    this.#leavesSurvivors = leavesSurvivors;
  }

  /** So many tasks there are to wait for. */
  expect(count: number): void {
    this.#expected = count;
  }

  /** A task as it is now; `nowMs` on the monotonic clock. */
  update(task: Task, nowMs: number): void {
    this.#tasks.set(task.id, task);
    const isOver = task.state === TaskState.ENDED;
    mark(this.#staleSince, task.id, !isOver && task.freshness !== Freshness.LIVE, nowMs);
    mark(this.#survivingSince, task.id, !isOver && hasSurvivors(task), nowMs);
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

  /** SIGKILL has not ended it for so long that nobody waits for it. */
  isStuck(task: Task, nowMs: number): boolean {
    const since = this.#survivingSince.get(task.id);
    return this.#leavesSurvivors && since !== undefined && nowMs - since >= survivorsGraceMs;
  }

  /** Every task has ended, or is given up. False while not all are known. */
  isOver(nowMs: number): boolean {
    const isGivenUp = (task: Task) => this.isUnreachable(task, nowMs) || this.isStuck(task, nowMs);
    return this.#tasks.size >= this.#expected && this.active.every(isGivenUp);
  }

  /** Milliseconds until `isOver` may change by the mere passing of time; undefined where it cannot. */
  nextLookMs(nowMs: number): number | undefined {
    const dues = [
      ...(this.#patient ? [] : this.#staleSince.values().map((since) => since + staleGraceMs)),
      ...(this.#leavesSurvivors
        ? this.#survivingSince.values().map((since) => since + survivorsGraceMs)
        : []),
    ];
    const left = dues.map((due) => due - nowMs).filter((ms) => ms > 0);
    return left.length === 0 ? undefined : Math.min(...left);
  }
}

function hasSurvivors(task: Task): boolean {
  return (task.attempts.at(-1)?.survivors.length ?? 0) > 0;
}

/** Remembers since when something holds; forgets it when it does not. */
function mark(since: Map<string, number>, id: string, holds: boolean, nowMs: number): void {
  if (!holds) since.delete(id);
  else if (!since.has(id)) since.set(id, nowMs);
}
