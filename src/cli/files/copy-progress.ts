/** How far a copy is, of the whole and of the slowest node, on the last line of the terminal: redrawn in place, gone at the end. */
import type { Clock } from '#base/clock.ts';
import { formatDuration } from '#cli/output/format-duration.ts';
import type { Output } from '#cli/output/output.ts';
import { formatSize } from '#core/format-size.ts';

/** A copy that is over sooner shows none. */
const firstDrawMs = 1_000;
/** Ten a second are as good as more to the eye. */
const drawMs = 100;
/** The rate is that of the latest so many milliseconds: it follows a change, and does not flicker. */
const rateMs = 5_000;

/** How far one node is. */
export interface NodeProgress {
  /** Bytes that are in place. */
  readonly bytes: number;
  /** Bytes of all; undefined while the manifest is not whole. */
  readonly totalBytes: number | undefined;
  readonly isOver: boolean;
}

/**
 * `3 of 12 nodes · 45% · 320 MiB/s · 12s left · slowest web7 31%`; what is not known yet is left out.
 *
 * @param bytesPerSecond 0 where nothing moved lately.
 */
export function describeCopy(nodes: ReadonlyMap<string, NodeProgress>, bytesPerSecond: number): string {
  const all = [...nodes];
  const over = all.filter(([, { isOver }]) => isOver).length;
  const bytes = sum(all.map(([, one]) => one.bytes));
  const totals = all.map(([, { totalBytes }]) => totalBytes);
  const total = totals.every((one) => one !== undefined) ? sum(totals as number[]) : undefined;
  const active = all.filter(([, { isOver, totalBytes }]) => !isOver && totalBytes !== undefined);
  const left = sum(active.map(([, one]) => (one.totalBytes ?? 0) - one.bytes));
  const shares = active.map(([node, one]) => [node, share(one.bytes, one.totalBytes ?? 0)] as const);
  const slowest = shares.reduce<readonly [string, number] | undefined>(
    (least, one) => (least === undefined || one[1] < least[1] ? one : least),
    undefined,
  );
  return [
    ...(all.length > 1 ? [`${over} of ${all.length} nodes`] : []),
    total === undefined ? formatSize(bytes) : percent(share(bytes, total)),
    `${formatSize(bytesPerSecond)}/s`,
    ...(total !== undefined && bytesPerSecond > 0
      ? [`${formatDuration((left / bytesPerSecond) * 1_000)} left`]
      : []),
    ...(all.length > 1 && slowest ? [`slowest ${slowest[0]} ${percent(slowest[1])}`] : []),
  ].join(' · ');
}

function share(part: number, whole: number): number {
  return whole === 0 ? 1 : Math.min(1, part / whole);
}

function percent(value: number): string {
  return `${Math.floor(value * 100)}%`;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** Keeps how far each node is, and draws it until it is disposed of; draws nothing where the output is no terminal. */
export class CopyProgressLine implements Disposable {
  readonly #out: Output;
  readonly #clock: Clock;
  readonly #nodes = new Map<string, NodeProgress>();
  /** Bytes in place at moments of the last while. */
  #moments: { readonly atMs: number; readonly bytes: number }[] = [];
  #timer: Disposable | undefined;

  constructor(out: Output, clock: Clock) {
    this.#out = out;
    this.#clock = clock;
    if (out.movesCursor) this.#drawIn(firstDrawMs);
  }

  /** Something is known of a node now. */
  update(node: string, news: Partial<NodeProgress>): void {
    const known = this.#nodes.get(node) ?? { bytes: 0, totalBytes: undefined, isOver: false };
    this.#nodes.set(node, { ...known, ...news });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#out.showStatus('');
  }

  #drawIn(delayMs: number): void {
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#out.showStatus(describeCopy(this.#nodes, this.#rate()));
      this.#drawIn(drawMs);
    });
  }

  #rate(): number {
    const atMs = this.#clock.monotonicMs();
    const bytes = sum([...this.#nodes.values()].map((one) => one.bytes));
    this.#moments = [...this.#moments.filter((moment) => atMs - moment.atMs <= rateMs), { atMs, bytes }];
    const [first] = this.#moments;
    const elapsedMs = first === undefined ? 0 : atMs - first.atMs;
    return first === undefined || elapsedMs === 0 ? 0 : ((bytes - first.bytes) / elapsedMs) * 1_000;
  }
}
