/**
 * Sending the starts of new tasks, and settling those whose node is away.
 *
 * A node that is about to come in counts as connected: its launches wait for that to be decided. One that is expected back is
 * waited for: its tasks are marked, sent when it comes in, and ended when it is no longer expected. Whether a node is away is
 * looked at again inside the transaction that ends or marks its tasks, since an agent that comes in reads its pending tasks
 * in a transaction as well: so each task is either sent or settled, and never both.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Store } from '#controller/store/store.ts';
import { endTask } from '#core/advance-task.ts';
import { skipped, unreachable } from '#core/outcome.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { Cause, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, TaskId } from '#protocol/ids.ts';
import { Batches } from './batches.ts';
import type { Changes } from './changes.ts';
import { changesBy } from './describe-change.ts';
import type { LivenessTracker } from './liveness-tracker.ts';
import type { NodeLinks } from './node-links.ts';
import { didNotReturn, isForReturn, markForNode, markForReturn, wasNeverSent } from './pending-reason.ts';
import { recordChanges } from './record-changes.ts';
import { StartSender } from './send-starts.ts';

/** What launches need. */
export interface LaunchesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly links: NodeLinks;
  readonly liveness: LivenessTracker;
  readonly changes: Changes<[Task]>;
}

/** A task that is to end if it was certainly never sent, and who waits to hear whether it did. */
interface Skip {
  readonly id: TaskId;
  readonly cause: Cause;
  readonly resolve: (ended: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Tasks that one transaction skips: a stop of the largest run shares ten fsyncs. */
const skipsMax = 2_000;

/** Why a task ends whose node is away and not expected back. */
const notConnected = 'its node is not connected';

/** The way of new tasks to their nodes. Disposing of it waits for what `endOverdue` has begun. */
export class Launches implements AsyncDisposable {
  readonly #options: LaunchesOptions;
  /** Nodes that may have tasks which wait for their return. */
  readonly #expected = new Set<NodeName>();
  readonly #skips = new Batches<Skip>(skipsMax, (batch) => this.#skipAll(batch));
  #ending: Promise<void> | undefined;

  private constructor(options: LaunchesOptions) {
    this.#options = options;
  }

  /** With what an earlier controller process left to wait. @throws StoreError */
  static async open(options: LaunchesOptions): Promise<Launches> {
    const launches = new Launches(options);
    const pending = await options.store.read.selectTasks({ states: [TaskState.PENDING] });
    for (const task of pending) if (isForReturn(task)) launches.#expected.add(task.node);
    return launches;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ending;
    await this.#skips.idle();
  }

  /** @see Dispatch.launch */
  async launch(tasks: readonly Task[], operator: string, whenUnreachable: WhenUnreachable): Promise<void> {
    const sender = new StartSender(this.#options.links, () => operator);
    let left = this.#sendAll(tasks, sender);
    while (left.length > 0) {
      await Promise.all(left.map((task) => this.#options.links.settled(task.node)));
      const came = await this.#settle(left, whenUnreachable);
      left = this.#sendAll(came, sender);
    }
  }

  /**
   * Ends, in one transaction, the tasks that waited for the return of nodes which are no longer expected. To be called every
   * second or so; what fails is tried again by the next call.
   */
  endOverdue(): void {
    if (this.#ending) return;
    const overdue = [...this.#expected].filter((node) => this.#isOverdue(node));
    if (overdue.length === 0) return;
    this.#ending = this.#endOverdue(overdue).finally(() => {
      this.#ending = undefined;
    });
  }

  /** Ends a task that was certainly never sent; false where that is not certain. Many at a time share a transaction. */
  async skip(task: Task, cause: Cause): Promise<boolean> {
    if (task.state !== TaskState.PENDING) return false;
    return new Promise((resolve, reject) => this.#skips.add({ id: task.id, cause, resolve, reject }));
  }

  async #skipAll(batch: readonly Skip[]): Promise<void> {
    const { store, clock, changes } = this.#options;
    try {
      const ended = await store.transact(async (writer) => {
        const tasks = await writer.selectTasks({ ids: batch.map(({ id }) => id) });
        const causes = new Map(batch.map(({ id, cause }) => [id, cause]));
        const reason = 'stopped before it was sent';
        const changes = changesBy(tasks.filter(wasNeverSent), (task) =>
          endTask(task, skipped(reason), causes.get(task.id) ?? Cause.OPERATOR, reason),
        );
        return await recordChanges(writer, changes, clock.wallMs());
      });
      for (const task of ended) changes.publish(task);
      const ids = new Set(ended.map(({ id }) => id));
      for (const { id, resolve } of batch) resolve(ids.has(id));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Sends to the nodes that are connected, and gives the tasks of the others. */
  #sendAll(tasks: readonly Task[], sender: StartSender): readonly Task[] {
    return tasks.filter((task) => {
      const session = this.#options.links.open(task.node);
      if (session) sender.send(session, task);
      return !session;
    });
  }

  /** Ends or marks the pending tasks of nodes that are away; gives those whose node came meanwhile. */
  async #settle(tasks: readonly Task[], whenUnreachable: WhenUnreachable): Promise<readonly Task[]> {
    const { store, clock, links, changes } = this.#options;
    const { changed, came } = await store.transact(async (writer) => {
      const current = await writer.selectTasks({ ids: tasks.map((task) => task.id) });
      const pending = current.filter((task) => task.state === TaskState.PENDING);
      const away = pending.filter((task) => links.isAway(task.node));
      const changes = changesBy(away, (task) => this.#settled(task, whenUnreachable));
      const changed = await recordChanges(writer, changes, clock.wallMs());
      return { changed, came: pending.filter((task) => !links.isAway(task.node)) };
    });
    for (const task of changed) {
      if (isForReturn(task)) this.#expected.add(task.node);
      changes.publish(task);
    }
    return came;
  }

  async #endOverdue(nodes: readonly NodeName[]): Promise<void> {
    const { store, clock, log, changes } = this.#options;
    for (const node of nodes) this.#expected.delete(node);
    try {
      const { ended, left } = await store.transact(async (writer) => {
        const pending = await writer.selectTasks({ nodes, states: [TaskState.PENDING] });
        const waiting = pending.filter(isForReturn);
        const overdue = waiting.filter((task) => this.#isOverdue(task.node));
        const changes = changesBy(overdue, (task) => this.#ended(task, didNotReturn));
        const ended = await recordChanges(writer, changes, clock.wallMs());
        return { ended, left: waiting.filter((task) => !this.#isOverdue(task.node)) };
      });
      // Their node was coming in: should that fail, they are looked at again.
      for (const task of left) this.#expected.add(task.node);
      for (const task of ended) changes.publish(task);
    } catch (error) {
      for (const node of nodes) this.#expected.add(node);
      log.error({ error: String(error), nodes: nodes.length }, 'tasks of absent nodes could not be ended');
    }
  }

  /** Whether the node is away and not expected back. */
  #isOverdue(node: NodeName): boolean {
    return this.#options.links.isAway(node) && this.#options.liveness.expectedBackMs(node) === 0;
  }

  /** What becomes of a task whose node is away; undefined where nothing can be said. */
  #settled(task: Task, whenUnreachable: WhenUnreachable): Task | undefined {
    const wasSent = this.#options.links.unanswered(task.node).has(task.id);
    if (wasNeverSent(task) || wasSent) return undefined;
    if (whenUnreachable === WhenUnreachable.WAIT) return markForNode(task);
    const expectedMs = this.#options.liveness.expectedBackMs(task.node);
    return expectedMs > 0 ? markForReturn(task, expectedMs) : this.#ended(task, notConnected);
  }

  #ended(task: Task, reason: string): Task | undefined {
    const { seenAtMs } = this.#options.liveness.liveness(task.node);
    return endTask(task, unreachable(reason, seenAtMs), Cause.ITSELF, reason);
  }
}
