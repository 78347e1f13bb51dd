/** Nodes as the API shows them: what was recorded, how the controller stands to them, and what is active on them. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Dispatch } from '#controller/dispatch/dispatch.ts';
import type { NodeDrain, NodeRecord } from '#controller/store/store.ts';
import { type Node, NodeSchema } from '#protocol/gen/drover/v1/node_pb.ts';

/** The node as of now. What dispatch has heard since counts more than what was recorded. */
export function presentNode(
  record: NodeRecord,
  dispatch: Pick<Dispatch, 'liveness'>,
  activeTasks: number,
): Node {
  const liveness = dispatch.liveness(record.name);
  const seenAtMs = liveness.seenAtMs ?? record.seenAtMs;
  return create(NodeSchema, {
    name: record.name,
    state: liveness.state,
    labels: { ...record.labels },
    ...(seenAtMs === undefined ? {} : { seenAt: timestampFromMs(seenAtMs) }),
    joinedAt: timestampFromMs(record.joinedAtMs),
    address: record.address,
    version: record.version,
    ...(record.facts ? { facts: record.facts } : {}),
    activeTasks,
    ...(record.drain ? { drain: presentDrain(record.drain) } : {}),
  });
}

function presentDrain({ reason, by, atMs }: NodeDrain) {
  return { reason, by, at: timestampFromMs(atMs) };
}
