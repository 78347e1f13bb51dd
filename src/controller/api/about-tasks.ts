/** Which nodes and tasks an audit row is about. Pure. */
import type { AuditEntry } from '#controller/auth/audit-entry.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';

/** Their nodes folded, and every id. */
export function aboutTasks(
  tasks: readonly Pick<Task, 'id' | 'node'>[],
): Required<Pick<AuditEntry, 'nodes' | 'targets'>> {
  return {
    nodes: foldNodeNames([...new Set(tasks.map(({ node }) => node))]),
    targets: tasks.map(({ id }) => id).join(','),
  };
}
