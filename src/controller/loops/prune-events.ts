/**
 * Gives up the events that are too many or too old, in small steps, so that nobody waits long for the store. Takes no input:
 * it looks again by itself. What fails is said in the log and tried again at the next look.
 */
import { type Clock, delay } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Store } from '#controller/store/store.ts';
import { limits } from '#protocol/limits.ts';

/** What the loop needs. */
export interface PruneEventsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Between two looks: in a minute even a fan-out to ten thousand nodes every second adds no more than the limit again. */
export const pruneEventsMs = 60_000;

/** Looks until disposed of, which waits for the step under way. The first look is at once. */
export function pruneEvents({ store, clock, log }: PruneEventsOptions): AsyncDisposable {
  const over = new AbortController();
  const loop = async () => {
    while (!over.signal.aborted) {
      try {
        while (!over.signal.aborted && (await pruneStep(store, clock)) === limits.eventsPrunedMax);
      } catch (error) {
        log.error({ error: String(error) }, 'could not give up old events');
      }
      await delay(clock, pruneEventsMs, over.signal).catch(() => {});
    }
  };
  const looping = loop();
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await looping;
    },
  };
}

function pruneStep(store: Store, clock: Clock): Promise<number> {
  return store.transact((writer) =>
    writer.pruneEvents({
      keepMax: limits.eventsKeptMax,
      beforeMs: clock.wallMs() - limits.eventsKeptMs,
      limit: limits.eventsPrunedMax,
    }),
  );
}
