/** NodeService: which nodes there are, how they are, and what their tasks have used. */
import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Dispatch } from '#controller/dispatch/dispatch.ts';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { NodeService } from '#protocol/gen/drover/v1/api_pb.ts';
import { type NodeUsage, NodeUsageSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import type { ApiParts } from './api-parts.ts';
import { presentNode } from './present-node.ts';
import { resolveNodesOrAll } from './resolve-nodes.ts';

/** The handlers. */
export function createNodeService({
  store,
  dispatch,
}: Pick<ApiParts, 'store' | 'dispatch'>): ServiceImpl<typeof NodeService> {
  return {
    async listNodes(target) {
      const records = await resolveNodesOrAll(store.read, target);
      const active = await store.read.countActiveTasks();
      return {
        nodes: records.map((record) => presentNode(record, dispatch, active.get(record.name) ?? 0)),
      };
    },

    async getNode({ name }) {
      const record = await store.read.findNode(name);
      if (!record) throw new RefusedError('NO_SUCH_NODE', `no such node: ${name}`, [name]);
      const active = await store.read.countActiveTasks();
      return presentNode(record, dispatch, active.get(record.name) ?? 0);
    },

    async getNodeUsage(target, { signal }) {
      const records = await resolveNodesOrAll(store.read, target);
      return { nodes: await Promise.all(records.map(({ name }) => usageOf(dispatch, name, signal))) };
    },
  };
}

async function usageOf(dispatch: Dispatch, node: NodeName, abort: AbortSignal): Promise<NodeUsage> {
  try {
    return create(NodeUsageSchema, { node, children: await dispatch.usage(node, abort) });
  } catch (error) {
    if (error instanceof NodeRefusedError) return create(NodeUsageSchema, { node, error: error.message });
    throw error;
  }
}
