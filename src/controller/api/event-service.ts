/** EventService: what happened in the cluster, a page at a time or on and on. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { EventFilter, EventPage, Store, StoreReader } from '#controller/store/store.ts';
import { RefusedError } from '#protocol/errors.ts';
import {
  type ClusterEvent,
  ClusterEventSchema,
  EventPositionSchema,
  type EventService,
  type EventPosition as PresentedPosition,
} from '#protocol/gen/drover/v1/event_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { namedTargets } from './access-targets.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf, requireEach, requireVerb } from './caller.ts';
import { followPages, type PageSource, type RowPosition } from './follow-pages.ts';
import { pageRequest } from './page-request.ts';
import { resolveEvents } from './resolve-events.ts';

/** Events that are read from the store at once. */
const readAtOnce = 500;

type StoredEvent = EventPage['events'][number];

/** The handlers. */
export function createEventService({ store }: Pick<ApiParts, 'store'>): ServiceImpl<typeof EventService> {
  return {
    async listEvents({ query, afterSequence, pageSize }, context) {
      requireVerb(context, Verb.NODE_READ);
      const { size } = pageRequest({ pageSize, pageToken: '' });
      const filter = await resolveEvents(store.read, operatorOf(context), query);
      const after = await requireKnown(store.read, afterSequence);
      const page = await store.read.listEvents(filter, after, size);
      const caughtUp = page.through >= page.latest;
      return { events: page.events.map(presentEvent), position: presentPosition({ ...page, caughtUp }) };
    },

    async *followEvents({ query, afterSequence, onlyNew, follow }, context) {
      const { sinceMs, ...filter } = await resolveEvents(store.read, operatorOf(context), query);
      await requireEach(context, [Verb.NODE_READ, Verb.TASK_READ], () =>
        namedTargets(store.read, filter.nodes),
      );
      const pages = onlyNew
        ? followPages(
            eventSource(store, filter),
            (await store.read.eventSpan()).latest,
            follow,
            context.signal,
          )
        : followPages(
            eventSource(store, sinceMs === undefined ? filter : { ...filter, sinceMs }),
            await requireKnown(store.read, afterSequence),
            follow,
            context.signal,
          );
      for await (const { rows, position } of pages) {
        for (const event of rows) yield { kind: { case: 'event', value: presentEvent(event) } };
        if (position) yield { kind: { case: 'position', value: presentPosition(position) } };
      }
    },
  };
}

function eventSource(store: Store, filter: EventFilter): PageSource<StoredEvent> {
  return {
    listen: (listener) => store.onEvents(listener),
    async read(after) {
      const { events, through, latest, gone } = await store.read.listEvents(filter, after, readAtOnce);
      return { rows: events, through, isLast: through >= latest, gone };
    },
  };
}

/**
 * The number behind which reading begins.
 *
 * @throws RefusedError INVALID for one that was never given: whoever has it has read another cluster's events.
 */
async function requireKnown(reader: StoreReader, after: bigint): Promise<number> {
  const { latest } = await reader.eventSpan();
  if (after <= BigInt(latest)) return Number(after);
  throw new RefusedError('INVALID', `there is no event ${after}: the latest is ${latest}`, [String(after)]);
}

function presentPosition({ through, gone, caughtUp }: RowPosition): PresentedPosition {
  return create(EventPositionSchema, { through: BigInt(through), gone: BigInt(gone), caughtUp });
}

function presentEvent({ sequence, atMs, ...rest }: StoredEvent): ClusterEvent {
  return create(ClusterEventSchema, {
    ...rest,
    sequence: BigInt(sequence),
    at: timestampFromMs(atMs),
    data: { ...rest.data },
  });
}
