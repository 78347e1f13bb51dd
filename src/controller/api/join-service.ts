/** JoinService: what a node calls before it has a certificate. Anybody may; the token is the proof. */
import type { ServiceImpl } from '@connectrpc/connect';
import { redeemJoinToken } from '#controller/auth/redeem-join-token.ts';
import { renewExpired } from '#controller/auth/renew-expired.ts';
import type { JoinService } from '#protocol/gen/drover/v1/api_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { bindingKey } from './connection-binding.ts';

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

    async renewCertificate({ certificates, proof }, { values }) {
      const binding = values.get(bindingKey)();
      const renewed = await renewExpired(parts, { certificates, proof, binding });
      parts.log.info({ node: renewed.node }, 'expired certificate of a node renewed');
      return { certificates: [...renewed.certificates] };
    },
  };
}
