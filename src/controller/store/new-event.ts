/** Events to be, with nothing said where there is nothing to say. */
import type { EventKind } from '#core/event-kinds.ts';
import type { EventRecord } from './store.ts';

/** An event of this kind; what is left out of `about` is empty. */
export function newEvent(
  atMs: number,
  kind: EventKind,
  about: Partial<Omit<EventRecord, 'atMs' | 'kind'>> = {},
): EventRecord {
  return { node: '', taskId: '', runId: '', who: '', data: {}, ...about, atMs, kind };
}
