/**
 * Where the agents' news enters the store: the events of all sessions, many in one transaction, then the changes to
 * whoever listens, then the acknowledgements. It decides nothing about a task: plan-ingest.ts does.
 *
 * GUARANTEES. An event is acknowledged only after its transaction has committed. Events at or below the last acknowledged one,
 * and those of a session that is over, are ignored. Each is applied once, however often it comes. When the store fails,
 * the sessions concerned are closed and their agents send everything again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '#base/clock.ts';
import { failpoint } from '#base/failpoint.ts';
import type { Logger } from '#base/log.ts';
import type { Store } from '#controller/store/store.ts';
import type { Event } from '#protocol/gen/drover/v1/link_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { AgentSession } from './agent-session.ts';
import { Batches } from './batches.ts';
import type { Changes } from './changes.ts';
import { type IngestPlan, planIngest } from './plan-ingest.ts';
import { recordChanges } from './record-changes.ts';

/** What ingest needs. */
export interface IngestOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly changes: Changes<[Task]>;
}

interface Arrived {
  readonly session: AgentSession;
  readonly event: Event;
  readonly bytes: number;
}

/** What a batch has come to. */
interface Recorded extends Pick<IngestPlan, 'refused'> {
  /** Tasks as they are now. */
  readonly changed: readonly Task[];
  /** How far each session is. */
  readonly acknowledged: ReadonlyMap<AgentSession, bigint>;
}

/** How long agents wait before they come back to a controller whose store fails. */
export const storeFailedRetryMs = 5_000;

/**
 * Pause between two transactions of events, milliseconds: what a fan-out's agents answer comes in thousands of reads, and a
 * transaction for a few of them costs as much as one for hundreds.
 */
const restMs = 5;

/** The way of events into the store. Disposing of it waits for those that have come. */
export class Ingest implements AsyncDisposable {
  readonly #options: IngestOptions;
  readonly #batches: Batches<Arrived>;
  readonly #paused = new Set<AgentSession>();

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#batches = new Batches(
      limits.ingestBatchMax,
      (batch) => this.#apply(batch),
      () => sleep(restMs),
    );
  }

  /** Takes an event. Its session is paused while limits.ingestQueueMax of them wait. */
  add(session: AgentSession, event: Event, bytes: number): void {
    this.#batches.add({ session, event, bytes });
    if (this.#batches.size < limits.ingestQueueMax) return;
    session.pause();
    this.#paused.add(session);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#batches.idle();
  }

  async #apply(batch: readonly Arrived[]): Promise<void> {
    try {
      failpoint('controller.events-received');
      const { refused, changed, acknowledged } = await this.#record(batch);
      failpoint('controller.events-committed');
      for (const { arrival, reason } of refused) {
        const { node, event } = arrival;
        this.#options.log.warn(
          { node, task: event.taskId, event: String(event.sequence), reason },
          'event refused',
        );
      }
      for (const task of changed) this.#options.changes.publish(task);
      for (const [session, event] of acknowledged) session.acknowledge(event);
    } catch (error) {
      this.#failed(batch, error);
    }
    this.#resumeAll();
  }

  #record(batch: readonly Arrived[]): Promise<Recorded> {
    return this.#options.store.transact(async (writer) => {
      const { news, acknowledged } = selectNews(batch);
      const ids = [...new Set(news.map(({ event }) => event.taskId))];
      const tasks = ids.length === 0 ? [] : await writer.selectTasks({ ids });
      const arrivals = news.map(({ session, event, bytes }) => ({ node: session.node, event, bytes }));
      const { changes, refused } = planIngest(tasks, arrivals);
      const changed = await recordChanges(writer, changes, this.#options.clock.wallMs());
      const byNode = new Map([...acknowledged].map(([session, event]) => [session.node, event] as const));
      if (byNode.size > 0) await writer.setAcknowledgedEvents(byNode);
      return { changed, refused, acknowledged };
    });
  }

  #failed(batch: readonly Arrived[], error: unknown): void {
    this.#options.log.error({ error: String(error), events: batch.length }, 'events could not be recorded');
    for (const session of new Set(batch.map((arrived) => arrived.session))) {
      session.close('the controller could not record events', { retryAfterMs: storeFailedRetryMs });
    }
  }

  #resumeAll(): void {
    if (this.#paused.size === 0 || this.#batches.size > limits.ingestQueueMax / 2) return;
    for (const session of this.#paused) session.resume();
    this.#paused.clear();
  }
}

/** The events that are new, and how far each session is then. */
function selectNews(batch: readonly Arrived[]): {
  news: readonly Arrived[];
  acknowledged: ReadonlyMap<AgentSession, bigint>;
} {
  const acknowledged = new Map<AgentSession, bigint>();
  const news = batch.filter(({ session, event }) => {
    if (session.state !== 'open') return false;
    if (event.sequence <= (acknowledged.get(session) ?? session.acknowledged)) return false;
    acknowledged.set(session, event.sequence);
    return true;
  });
  return { news, acknowledged };
}
