/** Follows any number of tasks by their ids: the API takes so many references a query, and no more. */
import type { Connection } from '#cli/connect-cluster.ts';
import { type Followed, type FollowOptions, followTasks } from './follow-tasks.ts';

/** References of one query. */
const refsMax = 1_000;

/** Nobody who listens. */
const silent = { task: () => {}, log: () => {}, contact: () => {}, end: () => {} };

/**
 * Follows tasks until all have ended or are unreachable, and prints nothing.
 *
 * @throws as followTasks.
 */
export async function followIds(
  connection: Pick<Connection, 'tasks'>,
  ids: readonly string[],
  options: Omit<FollowOptions, 'query' | 'output'>,
): Promise<Followed> {
  const chunks = Array.from({ length: Math.ceil(ids.length / refsMax) }, (_, i) =>
    ids.slice(i * refsMax, (i + 1) * refsMax),
  );
  const followed = await Promise.all(
    chunks.map((refs) => followTasks(connection, { ...options, query: { refs }, output: false }, silent)),
  );
  return {
    tasks: followed.flatMap(({ tasks }) => tasks),
    unreachable: new Set(followed.flatMap(({ unreachable }) => [...unreachable])),
  };
}
