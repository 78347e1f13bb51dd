/** Conditions on keys, and changes by key, in SQL that every backend understands. */
import { type RawBuilder, sql } from 'kysely';

/**
 * The right side of `in` for any number of keys, as one parameter: the statement stays the same however many there
 * are, and no backend's limit on parameters is met. An object and not an array, because `json_each` over the keys of
 * an object is what SQLite and PostgreSQL both have.
 */
export function keyList(keys: readonly string[]): RawBuilder<string> {
  return sql<string>`(select "key" from json_each(${keyObject(keys)}))`;
}

/** The same for keys that are integers. */
export function numberList<N extends number>(keys: readonly N[]): RawBuilder<N> {
  return sql<N>`(select cast("key" as bigint) from json_each(${keyObject(keys)}))`;
}

/**
 * What an UPDATE changes in any number of rows, as one parameter and a table `change` of `key` and `value`; a field of the
 * value is text or null by `change.value ->> 'field'`, in SQLite as in PostgreSQL. Each key once.
 */
export function changeList(
  changes: readonly (readonly [key: string, change: object])[],
): RawBuilder<unknown> {
  return sql`json_each(${JSON.stringify(Object.fromEntries(changes))}) as change`;
}

/** The bound above every key that begins with `prefix`: ours are ASCII, and this is the last code point there is. */
export function endOfPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

function keyObject(keys: readonly (string | number)[]): string {
  return JSON.stringify(Object.fromEntries(keys.map((key) => [key, 0])));
}
