/**
 * Reads numbered rows of the store in pages, and waits for more when there are none. What wakes it says nothing but "look again",
 * so nothing can be missed between a page and the wait; and as each page is read when its reader has taken the one before, a
 * slow reader costs one page and no more.
 */

/** Where the rows are. */
export interface PageSource<Row> {
  /** Rows behind a number, in their order. */
  read(afterSequence: number): Promise<RowPage<Row>>;
  /** Hints after each commit that there may be more. */
  listen(listener: () => void): Disposable;
}

/** A stretch of rows. */
export interface RowPage<Row> {
  /** Those that match. */
  readonly rows: readonly Row[];
  /** Every row up to here was looked at. */
  readonly through: number;
  /** There were no more at that moment. */
  readonly isLast: boolean;
  /** So many behind the one that was asked for are no longer kept. */
  readonly gone: number;
}

/** How far reading has come. */
export interface RowPosition {
  /** Every row up to here was looked at. */
  readonly through: number;
  /** So many before that are no longer kept, and were not read. */
  readonly gone: number;
  /** There were no more at that moment. */
  readonly caughtUp: boolean;
}

/** Rows in their order, and where they end if that is to be told. */
export interface RowNews<Row> {
  readonly rows: readonly Row[];
  readonly position?: RowPosition | undefined;
}

/** A reader whose query seldom fits is told where it is after so many rows, so that it does not resume from long ago. */
const untoldMax = 5_000;

/**
 * Yields the rows behind `after` that match; then, unless `follow`, ends. A position comes first, which says what is gone
 * before the first row; later where more is gone because the reader was too slow, when there are no more rows for now, and
 * where none has matched for long.
 *
 * @throws the reason of `signal` when it aborts; StoreError.
 */
export async function* followPages<Row>(
  source: PageSource<Row>,
  after: number,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<RowNews<Row>, void, undefined> {
  using wake = new Wake(source, signal);
  let through = after;
  let told: number | undefined;
  let wasCaughtUp = false;
  for (;;) {
    signal.throwIfAborted();
    wake.rearm();
    const { rows, gone, isLast, ...page } = await source.read(through);
    if (told === undefined || gone > 0) {
      yield { rows: [], position: { through: through + gone, gone, caughtUp: false } };
    }
    through = page.through;
    told ??= after;
    const isTold = (isLast && !wasCaughtUp) || through - told >= untoldMax;
    if (rows.length > 0 || isTold) {
      told = through;
      yield { rows, position: isTold ? { through, gone: 0, caughtUp: isLast } : undefined };
    }
    wasCaughtUp = isLast;
    if (!isLast) continue;
    if (!follow) return;
    await wake.called();
  }
}

/** Remembers whether rows came since it was last armed. */
class Wake implements Disposable {
  readonly #signal: AbortSignal;
  readonly #listening: Disposable;
  readonly #onAbort = () => this.#call();
  #isCalled = false;
  #resolve: (() => void) | undefined;

  constructor(source: Pick<PageSource<unknown>, 'listen'>, signal: AbortSignal) {
    this.#signal = signal;
    this.#listening = source.listen(() => this.#call());
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
