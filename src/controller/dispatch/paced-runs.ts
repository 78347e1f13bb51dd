/**
 * Starts the tasks of runs that are not to start all at once, as others of them end, and skips the rest of those that have
 * failed too often.
 *
 * GUARANTEES. What is kept in memory is made from the store, so that a controller that starts goes on where another one ended.
 * A task is released, or skipped, inside a transaction that finds it held, and sent after the commit. Whatever happens
 * only means "look again": a change of a task or node, a second that has passed, a look that failed.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { RunRecord, Store } from '#controller/store/store.ts';
import { endTask } from '#core/advance-task.ts';
import { skipped } from '#core/outcome.ts';
import { Cause, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, RunId } from '#protocol/ids.ts';
import type { Changes } from './changes.ts';
import { changesBy } from './describe-change.ts';
import type { Launches } from './launches.ts';
import type { LivenessTracker } from './liveness-tracker.ts';
import type { NodeLinks } from './node-links.ts';
import { PacedRun, type PaceNodes, type PaceStep } from './paced-run.ts';
import { isHeld, withReason } from './pending-reason.ts';
import { recordChanges } from './record-changes.ts';
import { skipDrained } from './skip-drained.ts';

/** What pacing needs. */
export interface PacedRunsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly links: NodeLinks;
  readonly liveness: LivenessTracker;
  readonly launches: Launches;
  readonly changes: Changes<[Task]>;
}

interface Entry {
  readonly run: PacedRun;
  looking: boolean;
  timer: Disposable | undefined;
}

/** All paced runs that have not ended. Disposing of it starts nothing more, and waits for what is under way. */
export class PacedRuns implements AsyncDisposable {
  readonly #options: PacedRunsOptions;
  readonly #entries = new Map<RunId, Entry>();
  readonly #working = new Set<Promise<void>>();
  readonly #listening: Disposable;
  readonly #nodes: PaceNodes;
  #isClosed = false;

  private constructor(options: PacedRunsOptions) {
    this.#options = options;
    const { links, liveness } = options;
    const isAway = (node: NodeName) => links.isAway(node);
    this.#nodes = { isAway, isUnreachable: (node) => isAway(node) && liveness.expectedBackMs(node) === 0 };
    this.#listening = options.changes.listen((task) => this.#changed(task));
  }

  /** With what an earlier controller process left under way. @throws StoreError */
  static async open(options: PacedRunsOptions): Promise<PacedRuns> {
    const { store, clock } = options;
    const paced = new PacedRuns(options);
    for (const record of await store.read.pacedRuns()) {
      const tasks = await store.read.selectTasks({ runIds: [record.run.id] });
      paced.add(record, tasks)?.sleepFirst(clock.monotonicMs());
    }
    return paced;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#listening[Symbol.dispose]();
    for (const { timer } of this.#entries.values()) timer?.[Symbol.dispose]();
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  /** Takes a recorded run on, with all its tasks. Does nothing about one that has no pacing. */
  add(record: RunRecord, tasks: readonly Task[]): PacedRun | undefined {
    const { pacing, id } = record.run;
    if (!pacing) return undefined;
    const run = new PacedRun(record, pacing, tasks);
    const entry = { run, looking: false, timer: undefined };
    this.#entries.set(id, entry);
    this.#look(entry);
    return run;
  }

  /** Looks at every run again. To be called every second or so, and when a node has come. */
  lookAgain(): void {
    for (const entry of this.#entries.values()) this.#look(entry);
  }

  #changed(task: Task): void {
    const entry = this.#entries.get(task.runId);
    if (!entry) return;
    entry.run.update(task, this.#options.clock.monotonicMs());
    this.#look(entry);
  }

  /** One look at a time, and one for all that changes in a turn of the event loop. */
  #look(entry: Entry): void {
    if (entry.looking || this.#isClosed) return;
    entry.looking = true;
    entry.timer?.[Symbol.dispose]();
    setImmediate(() => this.#track(this.#goOn(entry)));
  }

  async #goOn(entry: Entry): Promise<void> {
    const { clock, log } = this.#options;
    const { run } = entry;
    try {
      for (;;) {
        if (this.#isClosed) return;
        const step = run.plan(this.#nodes, clock.monotonicMs());
        if (step.kind !== 'wait') await this.#apply(run, step);
        else {
          if (step.forMs !== undefined) entry.timer = clock.schedule(step.forMs, () => this.#look(entry));
          if (run.isOver) this.#entries.delete(run.record.run.id);
          return;
        }
      }
    } catch (error) {
      log.error({ error: String(error), run: run.record.run.id }, 'tasks of a run could not be started yet');
    } finally {
      entry.looking = false;
    }
  }

  async #apply(run: PacedRun, step: Exclude<PaceStep, { kind: 'wait' }>): Promise<void> {
    const { store, clock, changes, launches } = this.#options;
    const { current, changed } = await store.transact(async (writer) => {
      const tasks = await writer.selectTasks({ ids: step.ids });
      const drains = await writer.listDrains();
      const steps = changesBy(tasks.filter(isHeld), (task) => {
        if (step.kind === 'skip') return skip(task, step.reason);
        const drain = drains.get(task.node);
        return drain ? skipDrained(task, drain) : withReason(task, '');
      });
      return { current: tasks, changed: await recordChanges(writer, steps, clock.wallMs()) };
    });
    for (const task of current) run.update(task, clock.monotonicMs());
    for (const task of changed) changes.publish(task);
    const started = changed.filter((task) => task.state === TaskState.PENDING);
    if (started.length === 0) return;
    const { run: message, whenUnreachable } = run.record;
    this.#track(launches.launch(inOrder(started, step.ids), message.createdBy, whenUnreachable));
  }

  #track(work: Promise<void>): void {
    const { log } = this.#options;
    const tracked = work
      .catch((error: unknown) => log.error({ error: String(error) }, 'cannot dispatch released tasks'))
      .finally(() => this.#working.delete(tracked));
    this.#working.add(tracked);
  }
}

function skip(task: Task, reason: string): Task | undefined {
  return endTask(task, skipped(reason), Cause.ITSELF, reason);
}

function inOrder(tasks: readonly Task[], ids: readonly string[]): Task[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
