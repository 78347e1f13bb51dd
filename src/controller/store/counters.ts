/** Numbers that only grow, for rows whose order must not hang on a clock. */
import type { CountersTable, Executor } from './schema.ts';

/**
 * The next number of `name`, from 1, or the last of the next `count`; never given twice, also not after its row was deleted.
 * In a transaction only.
 */
export async function nextNumber(db: Executor, name: CountersTable['name'], count = 1): Promise<number> {
  const { value } = await db
    .updateTable('counters')
    .set((eb) => ({ value: eb('value', '+', count) }))
    .where('name', '=', name)
    .returning('value')
    .executeTakeFirstOrThrow();
  return value;
}
