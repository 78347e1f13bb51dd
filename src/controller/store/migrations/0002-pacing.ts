/** How the tasks of a run are started. Never edited once it was released. */
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Adds the pacing of runs. */
export const pacing: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('runs').addColumn('pacing', 'text').execute();
    // A controller that starts goes on with those; there are few among many.
    await db.schema
      .createIndex('paced_runs_under_way')
      .on('runs')
      .column('number')
      .where(sql.ref('pacing'), 'is not', null)
      .where(sql.ref('ended_at'), 'is', null)
      .execute();
  },
};
