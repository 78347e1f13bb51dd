/** JoinService: what a node calls before it has a certificate. Anybody may; the token is the proof. */
import type { ServiceImpl } from '@connectrpc/connect';
import { redeemJoinToken } from '#controller/auth/redeem-join-token.ts';
import { renewExpired } from '#controller/auth/renew-expired.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { JoinService } from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { isNodeName } from '#protocol/ids.ts';
import type { ApiParts } from './api-parts.ts';
import { bindingKey } from './connection-binding.ts';
import type { RefusalRecorder } from './refusal-recorder.ts';

type Parts = ApiParts & { readonly refusals: RefusalRecorder };

/** The handlers. */
export function createJoinService(parts: Parts): ServiceImpl<typeof JoinService> {
  return {
    getRoot() {
      return { rootCertificate: parts.authority.rootDer };
    },

    async join({ tokenId, secret, name, certificateRequest }) {
      const wish = { tokenId, secret, name, certificateRequest };
      const certificates = await redeemJoinToken(parts, wish).catch(async (error: unknown) => {
        if (error instanceof RefusedError) await recordRefusal(parts, tokenId, name, error.message);
        throw error;
      });
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

/** Of a token that exists only: anything else a stranger can make up. */
async function recordRefusal({ store, refusals }: Parts, tokenId: string, name: string, reason: string) {
  if (!(await store.read.findJoinToken(tokenId))) return;
  const nodes = isNodeName(name) ? name : '';
  await refusals.record({ who: `join-token ${tokenId}`, verb: Verb.ANYONE, method: 'Join', nodes, reason });
}
