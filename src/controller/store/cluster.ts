/** The one row that says which cluster this is. */
import type { Executor } from './schema.ts';

/** @see StoreReader.clusterId */
export async function clusterId(db: Executor): Promise<string> {
  return (await db.selectFrom('cluster').select('id').executeTakeFirstOrThrow()).id;
}
