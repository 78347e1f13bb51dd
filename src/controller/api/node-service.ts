/** NodeService: which nodes there are, how they are, what their tasks have used, and what operators do to them. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { Dispatch } from '#controller/dispatch/dispatch.ts';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import type { NodeRecord } from '#controller/store/store.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { NodeService } from '#protocol/gen/drover/v1/api_pb.ts';
import { type NodeUsage, NodeUsageSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf } from './caller.ts';
import { drainNodes, labelNodes, removeNode, resumeNodes } from './manage-nodes.ts';
import { presentNode } from './present-node.ts';
import { resolveNodesOrAll, type Viewer } from './resolve-nodes.ts';
import { seenNodes } from './sight.ts';

/** The handlers. */
export function createNodeService(
  parts: Pick<ApiParts, 'store' | 'dispatch' | 'clock'>,
): ServiceImpl<typeof NodeService> {
  const { store, dispatch } = parts;
  const present = async (records: readonly NodeRecord[]) => {
    const active = await store.read.countActiveTasks();
    return {
      nodes: records.map((record) => presentNode(record, dispatch, active.get(record.name) ?? 0)),
    };
  };
  return {
    async listNodes(target, context) {
      const listed = await present(await resolveNodesOrAll(store.read, viewerOf(context), target));
      const massLoss = dispatch.findMassLoss();
      return massLoss ? { ...listed, massLoss: { ...massLoss, at: timestampFromMs(massLoss.atMs) } } : listed;
    },

    async getNode({ name }, context) {
      const record = await store.read.findNode(name);
      if (!record || seenNodes(operatorOf(context), Verb.NODE_READ, [record]).length === 0)
        throw new RefusedError('NO_SUCH_NODE', `no such node: ${name}`, [name]);
      const active = await store.read.countActiveTasks();
      return presentNode(record, dispatch, active.get(record.name) ?? 0);
    },

    async getNodeUsage(target, context) {
      const records = await resolveNodesOrAll(store.read, viewerOf(context), target);
      return { nodes: await Promise.all(records.map(({ name }) => usageOf(dispatch, name, context.signal))) };
    },

    async labelNodes(request, context) {
      return present(await labelNodes(parts, operatorOf(context), request, request));
    },

    async drainNodes(request, context) {
      return present(await drainNodes(parts, operatorOf(context), request, request.reason));
    },

    async resumeNodes(request, context) {
      return present(await resumeNodes(parts, operatorOf(context), request));
    },

    async removeNode({ name }, context) {
      return { name, unknownTasks: await removeNode(parts, operatorOf(context), name) };
    },
  };
}

function viewerOf(context: HandlerContext): Viewer {
  return { operator: operatorOf(context), verb: Verb.NODE_READ };
}

async function usageOf(dispatch: Dispatch, node: NodeName, abort: AbortSignal): Promise<NodeUsage> {
  try {
    return create(NodeUsageSchema, { node, children: await dispatch.usage(node, abort) });
  } catch (error) {
    if (error instanceof NodeRefusedError) return create(NodeUsageSchema, { node, error: error.message });
    throw error;
  }
}
