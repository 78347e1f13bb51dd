/**
 * Reads the events of the store in pages, and waits for more when there are none. What wakes it says nothing but "look again",
 * so nothing can be missed between a page and the wait; and as each page is read when its reader has taken the one before, a
 * slow reader costs one page and no more.
 */
import type { EventFilter, EventPage, Store } from '#controller/store/store.ts';

/** How far reading has come. */
export interface EventPosition {
  /** Every event up to here was looked at. */
  readonly through: number;
  /** So many before that are no longer kept, and were not read. */
  readonly gone: number;
  /** There were no more at that moment. */
  readonly caughtUp: boolean;
}

/** Events in their order, and where they end if that is to be told. */
export interface EventNews {
  readonly events: EventPage['events'];
  readonly position?: EventPosition | undefined;
}

/** Events of one page. */
const pageSize = 500;

/** A reader whose query seldom fits is told where it is after so many events, so that it does not resume from long ago. */
const untoldMax = 5_000;

/**
 * Yields the events behind `after` that match; then, unless `follow`, ends. A position comes first, which says what is gone
 * before the first event; later where more is gone because the reader was too slow, when there are no more events for now, and
 * where none has matched for long.
 *
 * @throws the reason of `signal` when it aborts; StoreError.
 */
export async function* followEvents(
  store: Store,
  filter: EventFilter,
  after: number,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<EventNews, void, undefined> {
  using wake = new Wake(store, signal);
  let through = after;
  let told: number | undefined;
  let wasCaughtUp = false;
  for (;;) {
    signal.throwIfAborted();
    wake.rearm();
    const page = await store.read.listEvents(filter, through, pageSize);
    const { events, latest, gone } = page;
    if (told === undefined || gone > 0) {
      yield { events: [], position: { through: through + gone, gone, caughtUp: false } };
    }
    through = page.through;
    const isCaughtUp = through >= latest;
    told ??= after;
    const isTold = (isCaughtUp && !wasCaughtUp) || through - told >= untoldMax;
    if (events.length > 0 || isTold) {
      told = through;
      yield { events, position: isTold ? { through, gone: 0, caughtUp: isCaughtUp } : undefined };
    }
    wasCaughtUp = isCaughtUp;
    if (!isCaughtUp) continue;
    if (!follow) return;
    await wake.called();
  }
}

/** Remembers whether events came since it was last armed. */
class Wake implements Disposable {
  readonly #signal: AbortSignal;
  readonly #listening: Disposable;
  readonly #onAbort = () => this.#call();
  #isCalled = false;
  #resolve: (() => void) | undefined;

  constructor(store: Store, signal: AbortSignal) {
    this.#signal = signal;
    this.#listening = store.onEvents(() => this.#call());
    signal.addEventListener('abort', this.#onAbort);
  }

  /** From now on. Before the look that it is to repeat. */
  rearm(): void {
    this.#isCalled = false;
  }

  async called(): Promise<void> {
    if (this.#isCalled || this.#signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#resolve = resolve;
    });
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  #call(): void {
    this.#isCalled = true;
    this.#resolve?.();
  }
}
