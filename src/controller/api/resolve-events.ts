/** From an EventQuery to what the store is asked, or to the refusal that says what is wrong with it. */
import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Operator } from '#controller/auth/authorize.ts';
import type { EventFilter, StoreReader } from '#controller/store/store.ts';
import { type EventKind, kindsOf } from '#core/event-kinds.ts';
import { quote } from '#core/quote.ts';
import { RefusedError } from '#protocol/errors.ts';
import { TaskQuerySchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { type EventQuery, EventQuerySchema } from '#protocol/gen/drover/v1/event_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { isOpen, resolveNodeNames } from './resolve-nodes.ts';
import { resolveQuery } from './resolve-tasks.ts';
import { allowedNodes } from './sight.ts';

/**
 * Resolves a query; an absent or empty one selects every event. Who may not read every node and its tasks sees the events of those
 * nodes alone on which they may.
 *
 * @throws RefusedError INVALID, NO_SUCH_NODE, NO_NODE_MATCHED, NO_SUCH_TASK, AMBIGUOUS_TASK
 */
export async function resolveEvents(
  reader: StoreReader,
  operator: Operator,
  query: Omit<EventQuery, '$typeName'> | undefined,
): Promise<EventFilter> {
  const allowed = await allowedNodes(reader, operator, [Verb.NODE_READ, Verb.TASK_READ]);
  const { kinds, refs, since } = query ?? create(EventQuerySchema);
  const viewer = { operator, verb: Verb.NODE_READ };
  const wanted = !query || isOpen(query) ? undefined : await resolveNodeNames(reader, viewer, query);
  const nodes = allowed ? (wanted ?? [...allowed]).filter((name) => allowed.has(name)) : wanted;
  return {
    ...(kinds.length > 0 ? { kinds: resolveKinds(kinds) } : {}),
    ...(nodes ? { nodes } : {}),
    ...(refs.length > 0 ? await resolveRefs(reader, operator, refs) : {}),
    ...(since ? { sinceMs: timestampMs(since) } : {}),
  };
}

function resolveKinds(words: readonly string[]): EventKind[] {
  return words.flatMap((word) => {
    const kinds = kindsOf(word);
    if (kinds.length > 0) return kinds;
    throw new RefusedError('INVALID', `there is no kind of event ${quote(word)}`, [word.slice(0, 64)]);
  });
}

/** A task brings its own events, a run those of all its tasks too. */
async function resolveRefs(
  reader: StoreReader,
  operator: Operator,
  refs: readonly string[],
): Promise<EventFilter> {
  const { filter } = await resolveQuery(reader, operator, create(TaskQuerySchema, { refs: [...refs] }));
  return {
    ...(filter.ids ? { taskIds: filter.ids } : {}),
    ...(filter.runIds ? { runIds: filter.runIds } : {}),
  };
}
