/** Which tasks a command is about, out of its words and options. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { UsageError } from '#base/command-line.ts';
import type { TaskQuerySchema } from '#protocol/gen/drover/v1/api_pb.ts';

/** A query as the API takes it. */
export type TaskQueryInit = MessageInitShape<typeof TaskQuerySchema>;

/**
 * The query for `refs` on `nodes`.
 *
 * @param nodes as given by -w; undefined: those that the prompt has selected, if any. A task or run that is named by its
 *   whole id is found wherever it is, since the selection narrows PIDs and not ids.
 */
export function queryTasks(
  refs: readonly string[],
  nodes: string | undefined,
  selection: string | undefined,
): TaskQueryInit {
  return { refs: [...refs], nodes: nodes ?? (refs.every(isPid) ? (selection ?? '') : '') };
}

/**
 * The same for a command that must be told which tasks.
 *
 * @throws UsageError where `refs` is empty.
 */
export function queryNamedTasks(
  name: string,
  refs: readonly string[],
  nodes: string | undefined,
  selection: string | undefined,
): TaskQueryInit {
  if (refs.length === 0) {
    throw new UsageError(`drover ${name}: which tasks? give ids, NODE:PID or PIDs; drover ps lists them`);
  }
  return queryTasks(refs, nodes, selection);
}

function isPid(ref: string): boolean {
  return /^\d+$/.test(ref);
}
