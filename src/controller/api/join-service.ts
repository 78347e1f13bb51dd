/** JoinService: what a node calls before it has a certificate. Anybody may; the token is the proof. */
import type { ServiceImpl } from '@connectrpc/connect';
import { redeemJoinToken } from '#controller/auth/redeem-join-token.ts';
import type { JoinService } from '#protocol/gen/drover/v1/api_pb.ts';
import type { ApiParts } from './api-parts.ts';

/** The handlers. */
export function createJoinService(parts: ApiParts): ServiceImpl<typeof JoinService> {
  return {
    getRoot() {
      return { rootCertificate: parts.authority.rootDer };
    },

    async join({ tokenId, secret, name, certificateRequest }) {
      const certificates = await redeemJoinToken(parts, { tokenId, secret, name, certificateRequest });
      parts.log.info({ node: name, token: tokenId }, 'node joined');
      const clusterId = await parts.store.read.clusterId();
      return { name, certificates, agentAddress: parts.agentAddressForNodes, clusterId };
    },
  };
}
