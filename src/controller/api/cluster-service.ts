/** ClusterService: who this cluster is and how it is, and its stop. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { ClusterService } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf, requireAccess } from './caller.ts';
import { prepareShutdown } from './shutdown-cluster.ts';

/** The handlers. */
export function createClusterService(parts: ApiParts): ServiceImpl<typeof ClusterService> {
  const { store, dispatch } = parts;
  return {
    async getCluster() {
      const nodes = await store.read.listNodes();
      const connected = nodes.filter(({ name }) => dispatch.liveness(name).state === NodeState.CONNECTED);
      return {
        id: await store.read.clusterId(),
        version: parts.version,
        startedAt: timestampFromMs(parts.startedAtMs),
        nodes: nodes.length,
        connected: connected.length,
        agentAddress: parts.agentAddress,
      };
    },

    async shutdown(request, context) {
      requireAccess(context, Verb.NODE_MANAGE, [{}]);
      const activeTasks = await prepareShutdown(parts, operatorOf(context), request, context.signal);
      // After the answer has been handed over; the listener's stop lets it out.
      setImmediate(() => parts.stopSwitch.request());
      return { activeTasks };
    },
  };
}
