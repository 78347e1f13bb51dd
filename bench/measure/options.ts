/** The options of a measurement's program. */
import { parseArgs } from 'node:util';

/** How thoroughly to measure. */
export interface BenchOptions {
  /** One round of little, to see that it works at all; its figures mean nothing. */
  readonly quick: boolean;
  /** Rounds that count; one more comes before them to warm up. */
  readonly rounds: number;
  /** Of several sizes, the one to measure; undefined for all. Given as `--size N`. */
  readonly size: number | undefined;
}

const roundsDefault = 5;

/** Reads this program's command line. @throws for an option that there is not. */
export function readBenchOptions(): BenchOptions {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, size: { type: 'string' } },
  });
  const size = values.size === undefined ? undefined : Number(values.size);
  return { quick: values.quick, rounds: roundsOf(values), size };
}

/** Rounds that count, for a program that reads its own options. */
export function roundsOf({ quick }: { readonly quick: boolean }): number {
  return quick ? 1 : roundsDefault;
}
