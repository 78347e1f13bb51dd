/**
 * Reads of what tasks print as rows of the audit: on disk before the first byte is sent, one row a stream. What else operators see
 * (nodes, tasks, events) leaves none: it is asked for many times a second by live views, and changes nothing.
 */
import type { HandlerContext } from '@connectrpc/connect';
import type { Json } from '#base/canonical-json.ts';
import { auditRecord } from '#controller/auth/audit-entry.ts';
import type { StoreReader, TaskFilter } from '#controller/store/store.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import type { TaskQuery } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf } from './caller.ts';

/** What is read. */
export interface TaskRead {
  readonly verb: Verb;
  readonly query: TaskQuery | undefined;
  /** The same, resolved. */
  readonly filter: TaskFilter;
  /** What else was asked. */
  readonly more?: { readonly [key: string]: Json };
}

/** Records that the caller reads. */
export async function recordRead(
  { store, clock }: Pick<ApiParts, 'store' | 'clock'>,
  context: HandlerContext,
  { verb, query, filter, more = {} }: TaskRead,
): Promise<void> {
  const refs = [...(query?.refs ?? []), query?.runId ?? ''].filter((ref) => ref !== '');
  const record = auditRecord({
    atMs: clock.wallMs(),
    who: operatorOf(context).name,
    verb,
    decision: 'allowed',
    nodes: await nodesOf(store.read, filter),
    targets: refs.join(','),
    request: { method: context.method.name, ...more },
  });
  await store.transact((writer) => writer.insertAudit(record));
}

/** Folded; of a run from its own record, so that ten thousand tasks are not read for it. */
async function nodesOf(reader: StoreReader, { ids, runIds, nodes }: TaskFilter): Promise<string> {
  if (nodes) return foldNodeNames(nodes);
  if (ids) return foldNodeNames([...new Set((await reader.getTasks(ids)).map(({ node }) => node))]);
  const runs = await Promise.all((runIds ?? []).map((id) => reader.findRun(id)));
  return runs.flatMap((found) => found?.run.nodes ?? []).join(',');
}
