/** Reads a list of tasks over as many pages as it has. */
import type { CallOptions } from '@connectrpc/connect';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { Connection } from './connect-cluster.ts';
import type { TaskQueryInit } from './task-query.ts';

/** Newest first, at most `max`. */
export async function listTasks(
  { tasks }: Pick<Connection, 'tasks'>,
  query: TaskQueryInit,
  options: CallOptions,
  max = Number.POSITIVE_INFINITY,
): Promise<Task[]> {
  const found: Task[] = [];
  let pageToken = '';
  do {
    const pageSize = Math.min(limits.pageMax, max - found.length);
    const page = await tasks.listTasks({ query, pageSize, pageToken }, options);
    found.push(...page.tasks);
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && found.length < max);
  return found;
}
