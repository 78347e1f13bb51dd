/**
 * Pages of a list that falls by one number. A page token says only where the last page ended, so rows that come or go
 * in between neither repeat others nor hide them.
 */
import { limits } from '#protocol/limits.ts';
import { type Page, type PageRequest, StoreError } from './store.ts';

/** Which list a token belongs to. */
export type PagedList = 'runs' | 'tasks';

/** Where the page begins: rows with a number below this. Infinity is not bound, the greatest exact integer is. */
export function pageStart(list: PagedList, page: PageRequest): number {
  if (!Number.isInteger(page.size) || page.size < 1 || page.size > limits.pageMax) {
    throw new StoreError('invalid', `a page has 1 to ${limits.pageMax} rows, not ${page.size}`);
  }
  if (page.after === undefined) return Number.MAX_SAFE_INTEGER;
  const text = Buffer.from(page.after, 'base64url').toString('latin1');
  const [, of, digits] = /^(runs|tasks) (\d{1,16})$/.exec(text) ?? [];
  const number = Number(digits);
  if (of !== list || !Number.isSafeInteger(number) || encode(list, number) !== page.after) {
    throw new StoreError('invalid', `not a page token of the list of ${list}: ${JSON.stringify(page.after)}`);
  }
  return number;
}

/** The page out of its rows and, if there is one, the row after them: ask for `size + 1`. */
export function toPage<T>(
  list: PagedList,
  { size }: PageRequest,
  rows: readonly T[],
  numberOf: (row: T) => number,
): Page<T> {
  const last = rows[size - 1];
  const next = rows.length > size && last !== undefined ? encode(list, numberOf(last)) : undefined;
  return { rows: rows.slice(0, size), next };
}

function encode(list: PagedList, number: number): string {
  return Buffer.from(`${list} ${number}`, 'latin1').toString('base64url');
}
