/** Numbers that only grow, for rows whose order must not hang on a clock. */
import type { CountersTable, Executor } from './schema.ts';

/** The next number of `name`, from 1; never given twice, also not after its row was deleted. In a transaction only. */
export async function nextNumber(db: Executor, name: CountersTable['name']): Promise<number> {
  const { value } = await db
    .updateTable('counters')
    .set((eb) => ({ value: eb('value', '+', 1) }))
    .where('name', '=', name)
    .returning('value')
    .executeTakeFirstOrThrow();
  return value;
}
