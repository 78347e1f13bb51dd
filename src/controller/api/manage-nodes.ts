/** What operators do to nodes: labels, drains and removal. Each is on disk with its audit row and its events, or was not done. */

import type { Json } from '#base/canonical-json.ts';
import { auditRecord } from '#controller/auth/audit-entry.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import { newEvent } from '#controller/store/new-event.ts';
import type { NodeRecord, StoreWriter } from '#controller/store/store.ts';
import type { EventKind } from '#core/event-kinds.ts';
import { findLabelProblem, type Labels } from '#core/label.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { quote } from '#core/quote.ts';
import { RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { nodeTargets } from './access-targets.ts';
import type { ApiParts } from './api-parts.ts';
import { requireAllowed } from './caller.ts';
import { type NodeTarget, resolveNodes } from './resolve-nodes.ts';
import { seenNodes } from './sight.ts';

type Parts = Pick<ApiParts, 'store' | 'dispatch' | 'clock'>;

/** How a change of nodes is told. */
interface Telling {
  readonly operator: Operator;
  readonly method: string;
  /** What was asked, for the audit. */
  readonly asked: { readonly [key: string]: Json };
  readonly kind: EventKind;
  readonly data: (node: NodeRecord) => Readonly<Record<string, string>>;
}

/** Sets and takes away labels. @throws RefusedError INVALID, LIMIT, NO_SUCH_NODE, NO_NODE_MATCHED */
export async function labelNodes(
  parts: Parts,
  operator: Operator,
  target: NodeTarget,
  change: { readonly set: Labels; readonly remove: readonly string[] },
): Promise<readonly NodeRecord[]> {
  requireLabelChange(change);
  const { set, remove } = change;
  const data = () => ({
    ...(Object.keys(set).length > 0 ? { set: describeLabels(set) } : {}),
    ...(remove.length > 0 ? { removed: remove.join(',') } : {}),
  });
  const asked = { set: { ...set }, remove: [...remove] };
  const telling = { operator, method: 'LabelNodes', asked, kind: 'node.labelled', data } as const;
  return changeNodes(parts, target, telling, async (writer, nodes) => {
    const labels = new Map(nodes.map((node) => [node.name, labelsAfter(node, change)]));
    await writer.setNodeLabels(labels);
  });
}

/** Has nodes take no new tasks. @throws RefusedError INVALID, NO_SUCH_NODE, NO_NODE_MATCHED */
export async function drainNodes(
  parts: Parts,
  operator: Operator,
  target: NodeTarget,
  reason: string,
): Promise<readonly NodeRecord[]> {
  if (reason.trim() === '') throw new RefusedError('INVALID', 'a drain needs a reason');
  if (reason.length > limits.drainReasonMax) {
    throw new RefusedError(
      'INVALID',
      `the reason of a drain has ${limits.drainReasonMax} characters at the most, not ${reason.length}`,
    );
  }
  const drain = { reason, by: operator.name, atMs: parts.clock.wallMs() };
  const data = () => ({ reason });
  const telling = { operator, method: 'DrainNodes', asked: { reason }, kind: 'node.drained', data } as const;
  return changeNodes(parts, target, telling, (writer, nodes) => writer.setNodesDrain(namesOf(nodes), drain));
}

/** Has nodes take tasks again. @throws RefusedError INVALID, NO_SUCH_NODE, NO_NODE_MATCHED */
export async function resumeNodes(
  parts: Parts,
  operator: Operator,
  target: NodeTarget,
): Promise<readonly NodeRecord[]> {
  const data = ({ drain }: NodeRecord): Record<string, string> => (drain ? { drained: drain.reason } : {});
  const telling = { operator, method: 'ResumeNodes', asked: {}, kind: 'node.resumed', data } as const;
  return changeNodes(parts, target, telling, (writer, nodes) =>
    writer.setNodesDrain(namesOf(nodes), undefined),
  );
}

/** Takes a node out for good; gives how many tasks have ended as unknown. @throws RefusedError NO_SUCH_NODE */
export async function removeNode(
  { store, dispatch, clock }: Parts,
  operator: Operator,
  name: NodeName,
): Promise<number> {
  const node = await store.read.findNode(name);
  if (!node || seenNodes(operator, Verb.NODE_MANAGE, [node]).length === 0)
    throw new RefusedError('NO_SUCH_NODE', `no such node: ${quote(name)}`, [name.slice(0, 64)]);
  requireAllowed(operator, Verb.NODE_MANAGE, nodeTargets([node]));
  const { keyFingerprint } = node;
  const atMs = clock.wallMs();
  const removed = { keyFingerprint, name, removedAtMs: atMs, removedBy: operator.name };
  const asked = { keyFingerprint };
  const telling = { operator, method: 'RemoveNode', asked, kind: 'node.removed', data: () => ({}) } as const;
  return dispatch.removeNode(removed, (writer) => tell(writer, [node], telling, atMs));
}

async function changeNodes(
  { store, clock }: Parts,
  target: NodeTarget,
  telling: Telling,
  change: (writer: StoreWriter, nodes: readonly NodeRecord[]) => Promise<void>,
): Promise<readonly NodeRecord[]> {
  return store.transact(async (writer) => {
    const { operator } = telling;
    const nodes = await resolveNodes(writer, { operator, verb: Verb.NODE_MANAGE }, target);
    requireAllowed(operator, Verb.NODE_MANAGE, nodeTargets(nodes));
    await change(writer, nodes);
    await tell(writer, nodes, telling, clock.wallMs());
    return resolveByName(writer, nodes);
  });
}

/** Not by the target again: a selector may fit no longer. */
async function resolveByName(
  writer: StoreWriter,
  nodes: readonly NodeRecord[],
): Promise<readonly NodeRecord[]> {
  const now = new Map((await writer.listNodes()).map((node) => [node.name, node]));
  return nodes.flatMap(({ name }) => now.get(name) ?? []);
}

async function tell(
  writer: StoreWriter,
  nodes: readonly NodeRecord[],
  { operator, method, asked, kind, data }: Telling,
  atMs: number,
): Promise<void> {
  const who = operator.name;
  await writer.insertAudit(
    auditRecord({
      atMs,
      who,
      verb: Verb.NODE_MANAGE,
      decision: 'allowed',
      nodes: foldNodeNames(namesOf(nodes)),
      request: { method, ...asked },
    }),
  );
  await writer.insertEvents(
    nodes.map((node) => newEvent(atMs, kind, { node: node.name, who, data: data(node) })),
  );
}

function requireLabelChange({
  set,
  remove,
}: {
  readonly set: Labels;
  readonly remove: readonly string[];
}): void {
  const entries = [...Object.entries(set), ...remove.map((key) => [key, ''] as const)];
  if (entries.length === 0) throw new RefusedError('INVALID', 'no label is named to set or to take away');
  for (const [key, value] of entries) {
    const problem = findLabelProblem(key, value);
    if (problem !== undefined)
      throw new RefusedError('INVALID', `label ${quote(`${key}=${value}`)} ${problem}`);
  }
  const both = remove.find((key) => Object.hasOwn(set, key));
  if (both === undefined) return;
  throw new RefusedError('INVALID', `label ${quote(both)} is to be set and to be taken away`);
}

function labelsAfter(
  { name, labels }: NodeRecord,
  { set, remove }: { readonly set: Labels; readonly remove: readonly string[] },
): Labels {
  const kept = Object.entries(labels).filter(([key]) => !remove.includes(key));
  const after = Object.fromEntries([...kept, ...Object.entries(set)]);
  const count = Object.keys(after).length;
  if (count <= limits.nodeLabelsMax) return after;
  throw new RefusedError(
    'LIMIT',
    `a node can have ${limits.nodeLabelsMax} labels at the most, and ${name} would have ${count}`,
    [name],
  );
}

function describeLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

function namesOf(nodes: readonly NodeRecord[]): NodeName[] {
  return nodes.map((node) => node.name);
}
