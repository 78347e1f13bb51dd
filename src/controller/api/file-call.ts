/**
 * A call about files before any node is asked: what it asks for is checked, its nodes are resolved, and its audit row, with an event where
 * something is to change, is on disk.
 */
import { create, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import type { Json } from '#base/canonical-json.ts';
import { auditRecord } from '#controller/auth/audit-entry.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import { newEvent } from '#controller/store/new-event.ts';
import type { NodeRecord } from '#controller/store/store.ts';
import type { EventKind } from '#core/event-kinds.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { paceLimits } from '#core/pacing.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { FileTarget } from '#protocol/gen/drover/v1/api_pb.ts';
import { type FileOrder, FileOrderSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { PacingSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import type { ApiParts } from './api-parts.ts';
import { resolveNodes } from './resolve-nodes.ts';
import { findOrderProblem, findTargetProblem } from './validate-files.ts';

/** A call that was taken on. */
export interface FileCall {
  readonly operator: Operator;
  readonly order: FileOrder;
  /** In natural order of their names. */
  readonly nodes: readonly FileNode[];
  /** At least 1. */
  readonly nodesAtOnce: number;
  /** Failures that are put up with; may be infinite. */
  readonly failuresMax: number;
  /** To all nodes together; 0: no limit. */
  readonly bytesPerSecond: number;
}

/** A node of a call. */
export interface FileNode {
  readonly name: NodeName;
  /** Why it is not asked, where it is not. */
  readonly skipped: string | undefined;
}

type OrderCase = NonNullable<FileOrder['kind']['case']>;

interface Rules {
  readonly method: string;
  readonly verb: Verb;
  /** How it is told; what changes nothing is no event. */
  readonly event?: EventKind;
}

const rules: Readonly<Record<OrderCase, Rules>> = {
  put: { method: 'CopyToNodes', verb: Verb.FILE_WRITE, event: 'file.copy' },
  get: { method: 'CopyFromNodes', verb: Verb.FILE_READ },
  list: { method: 'ListFiles', verb: Verb.FILE_READ },
  read: { method: 'ReadFile', verb: Verb.FILE_READ },
  makeDirectories: { method: 'MakeDirectories', verb: Verb.FILE_WRITE, event: 'file.mkdir' },
  move: { method: 'MoveFile', verb: Verb.FILE_WRITE, event: 'file.move' },
  remove: { method: 'RemoveFiles', verb: Verb.FILE_REMOVE, event: 'file.remove' },
};

/** Paths that the event of a call names: for people, who have all of them in the audit. */
const pathsShownMax = 3;

/** What is to be done, as requests carry it. */
export type OrderInit = MessageInitShape<typeof FileOrderSchema>['kind'];

/**
 * Takes a call on.
 *
 * @param allow throws RefusedError DENIED where the caller may not do what a verb names on one of the nodes.
 * @throws RefusedError INVALID, LIMIT, DENIED, NO_SUCH_NODE, NO_NODE_MATCHED.
 */
export async function takeFileCall(
  { store, clock, stopSwitch }: Pick<ApiParts, 'store' | 'clock' | 'stopSwitch'>,
  operator: Operator,
  target: FileTarget | undefined,
  kind: OrderInit,
  allow: (verb: Verb, nodes: readonly NodeRecord[]) => void,
): Promise<FileCall> {
  const order = create(FileOrderSchema, { kind });
  const problem = findTargetProblem(target) ?? findOrderProblem(order);
  if (problem !== undefined || !target || !order.kind.case) throw new RefusedError('INVALID', problem ?? '');
  const { method, verb, event } = rules[order.kind.case];
  const isChange = event !== undefined;
  const records = await store.transact(async (writer) => {
    if (isChange) stopSwitch.requireOpen();
    const nodes = await resolveNodes(writer, { operator, verb }, target);
    allow(verb, nodes);
    requireFewNodes(nodes);
    const names = nodes.map(({ name }) => name);
    const folded = foldNodeNames(names);
    const atMs = clock.wallMs();
    const who = operator.name;
    const request = { method, ...(toJson(FileOrderSchema, order) as { readonly [key: string]: Json }) };
    await writer.insertAudit(auditRecord({ atMs, who, verb, decision: 'allowed', nodes: folded, request }));
    const data = { nodes: folded, ...describeOrder(order) };
    if (event) await writer.insertEvents([newEvent(atMs, event, { who, data })]);
    return nodes;
  });
  return {
    operator,
    order,
    nodes: records.map((record) => ({
      name: record.name,
      skipped: isChange ? whySkipped(record) : undefined,
    })),
    ...paceOf(target, order, records.length),
    bytesPerSecond: Number(target.bytesPerSecond),
  };
}

function requireFewNodes({ length }: readonly NodeRecord[]): void {
  if (length <= limits.runNodesMax) return;
  throw new RefusedError('LIMIT', `a call can have ${limits.runNodesMax} nodes at the most, not ${length}`);
}

function whySkipped({ drain }: NodeRecord): string | undefined {
  return drain && `the node is drained: ${drain.reason}`;
}

function paceOf({ pacing = create(PacingSchema) }: FileTarget, { kind }: FileOrder, nodes: number) {
  const { tasksAtOnce, failuresMax } = paceLimits(pacing, nodes);
  const isCopy = kind.case === 'put' || kind.case === 'get';
  const isFollowing = kind.case === 'read' && kind.value.follow;
  const unsaid = isFollowing ? nodes : limits.fileNodesAtOnce;
  const asked = Number.isFinite(tasksAtOnce) ? tasksAtOnce : unsaid;
  return { nodesAtOnce: isCopy ? Math.min(asked, limits.fileNodesAtOnceMax) : asked, failuresMax };
}

/** What the event says of the order. */
function describeOrder({ kind }: FileOrder): Record<string, string> {
  switch (kind.case) {
    case 'put':
      return { to: kind.value.destination };
    case 'move':
      return { from: kind.value.from, to: kind.value.to };
    case 'makeDirectories':
    case 'remove': {
      const { paths } = kind.value;
      const more = paths.length > pathsShownMax ? [`and ${paths.length - pathsShownMax} more`] : [];
      return { paths: [...paths.slice(0, pathsShownMax), ...more].join(', ') };
    }
    default:
      return {};
  }
}
