/** Contestants that are measured side by side: they take turns, so that what happens to the machine happens to all of them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** One side of a comparison. */
export interface Contestant<T> extends AsyncDisposable {
  /** Does the work once. The first time warms up. */
  measure(): Promise<T>;
}

/** How a side enters, by its name. */
export type Entrants<T> = Readonly<Record<string, () => Promise<Contestant<T>>>>;

/** What one side did in each round, or why it was left out. */
export type Entry<T> =
  | { readonly name: string; readonly rounds: readonly T[] }
  | { readonly name: string; readonly skipped: string };

/** A side that begins anew each time: `measure` gets an empty directory beneath `directory`, which is removed afterwards. */
export function inPlaces<T>(directory: string, measure: (place: string) => Promise<T>): Contestant<T> {
  return {
    async measure() {
      const place = mkdtempSync(join(directory, 'round-'));
      try {
        return await measure(place);
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A side that cannot be measured here; the message is the reason. */
export class SkippedError extends Error {
  override readonly name = 'SkippedError';
}

/**
 * Has them all enter, and each do its work once to warm up and then `rounds` times, one after the other (A B C A B C …).
 *
 * @throws what a contestant throws, but for a SkippedError while it enters.
 */
export async function takeTurns<T>(entrants: Entrants<T>, rounds: number): Promise<Entry<T>[]> {
  await using stack = new AsyncDisposableStack();
  const sides: { name: string; contestant: Contestant<T> | undefined; rounds: T[]; skipped: string }[] = [];
  for (const [name, enter] of Object.entries(entrants)) {
    try {
      sides.push({ name, contestant: stack.use(await enter()), rounds: [], skipped: '' });
    } catch (error) {
      if (!(error instanceof SkippedError)) throw error;
      sides.push({ name, contestant: undefined, rounds: [], skipped: error.message });
    }
  }
  for (let round = 0; round <= rounds; round++) {
    for (const side of sides) {
      const measured = await side.contestant?.measure();
      if (round > 0 && measured !== undefined) side.rounds.push(measured);
    }
  }
  return sides.map(({ name, contestant, skipped, rounds: done }) =>
    contestant ? { name, rounds: done } : { name, skipped },
  );
}
