/**
 * Follows the tasks of a query until all have ended: as they are now, then each change, without a gap. Changes are
 * listened to before the store is asked, so that none falls between.
 */
import { create } from '@bufbuild/protobuf';
import type { TaskFilter } from '#controller/store/store.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { type FollowTasksResponse, FollowTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, TaskId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import type { ApiParts } from './api-parts.ts';
import { ResponseQueue } from './response-queue.ts';
import { type FollowerOptions, TaskFollower } from './task-follower.ts';

type Parts = Pick<ApiParts, 'store' | 'dispatch' | 'clock'>;

/**
 * Yields the tasks of `filter`, then what becomes of them; by `output` also what they print.
 *
 * @throws the reason of `signal` when it aborts; StoreError.
 */
export async function* followTasks(
  parts: Parts,
  filter: TaskFilter,
  output: FollowerOptions['output'],
  signal: AbortSignal,
): AsyncGenerator<FollowTasksResponse, void, undefined> {
  using following = new Following(parts, output, signal);
  following.begin(await parts.store.read.selectTasks(filter));
  yield* following.queue.read(signal);
}

/** The tasks that one reader follows. */
class Following implements Disposable {
  readonly queue = new ResponseQueue<FollowTasksResponse>(limits.followBufferBytesMax);
  readonly #parts: Parts;
  readonly #output: FollowerOptions['output'];
  readonly #signal: AbortSignal;
  readonly #followers = new Map<TaskId, TaskFollower>();
  #byNode: ReadonlyMap<NodeName, readonly TaskFollower[]> = new Map();
  readonly #listening = new DisposableStack();
  /** Changes that came before the tasks were known. */
  #early: Task[] | undefined = [];
  #left = 0;

  constructor(parts: Parts, output: FollowerOptions['output'], signal: AbortSignal) {
    this.#parts = parts;
    this.#output = output;
    this.#signal = signal;
    const { dispatch } = parts;
    this.#listening.use(dispatch.onTaskChange((task) => this.#changed(task)));
    this.#listening.use(dispatch.onNodeChange((node) => this.#nodeChanged(node)));
  }

  /** Shows these tasks, and what has become of them since they were asked for. */
  begin(tasks: readonly Task[]): void {
    this.#left = tasks.length;
    this.queue.push(create(FollowTasksResponseSchema, { kind: { case: 'selected', value: tasks.length } }));
    if (tasks.length === 0) this.queue.end();
    for (const task of tasks.toSorted((a, b) => compareNames(a.node, b.node))) {
      this.#followers.set(task.id, this.#follow(task));
    }
    this.#byNode = Map.groupBy(this.#followers.values(), (follower) => follower.node);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const task of early) this.#changed(task);
  }

  [Symbol.dispose](): void {
    this.#listening.dispose();
    for (const follower of this.#followers.values()) follower[Symbol.dispose]();
  }

  #follow(task: Task): TaskFollower {
    const { dispatch, clock } = this.#parts;
    const { queue } = this;
    const onEnd = () => {
      this.#left--;
      if (this.#left === 0) queue.end();
    };
    return new TaskFollower(task, {
      dispatch,
      clock,
      queue,
      output: this.#output,
      signal: this.#signal,
      onEnd,
    });
  }

  #changed(task: Task): void {
    if (this.#early) this.#early.push(task);
    else this.#followers.get(task.id)?.change(task);
  }

  #nodeChanged(node: NodeName): void {
    for (const follower of this.#byNode.get(node) ?? []) follower.nodeChanged();
  }
}
