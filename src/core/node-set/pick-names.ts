/** Takes some names out of many at random. */
import { compareNames } from './compare-names.ts';

/**
 * `count` of the names, each equally likely, in natural order; all of them where there are no more.
 * @param names each once
 * @param random gives numbers from 0 to below 1, as `Math.random`
 */
export function pickNames(names: readonly string[], count: number, random: () => number): string[] {
  const pool = [...names];
  const picked = Math.min(count, pool.length);
  // Fisher and Yates, as far as is needed: each place takes one of what is left.
  for (let place = 0; place < picked; place += 1) {
    const chosen = place + Math.floor(random() * (pool.length - place));
    const name = pool[chosen] ?? '';
    pool[chosen] = pool[place] ?? '';
    pool[place] = name;
  }
  return pool.slice(0, picked).sort(compareNames);
}
