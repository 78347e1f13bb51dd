/** UserTokenService: the tokens by which users call the API. */
import type { ServiceImpl } from '@connectrpc/connect';
import { requireUser } from '#controller/auth/manage-users.ts';
import { mintUserToken, requireMayAct, revokeUserToken } from '#controller/auth/mint-user-token.ts';
import type { UserTokenService } from '#protocol/gen/drover/v1/access_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf, requireVerb } from './caller.ts';
import { presentUserToken } from './present-access.ts';

/** The handlers. */
export function createUserTokenService(
  parts: Pick<ApiParts, 'store' | 'clock' | 'authenticator'>,
): ServiceImpl<typeof UserTokenService> {
  const { store, clock } = parts;
  return {
    async createUserToken(request, context) {
      const { text, record } = await mintUserToken(parts, operatorOf(context), request);
      return { text, recorded: presentUserToken(record) };
    },

    async listUserTokens({ user, all }, context) {
      const operator = operatorOf(context);
      if (all) requireVerb(context, Verb.USER_MANAGE);
      const name = user || operator.name;
      if (!all) {
        requireMayAct(operator, name);
        await requireUser(store.read, name);
      }
      const tokens = await store.read.listUserTokens(all ? undefined : name, clock.wallMs());
      return { tokens: tokens.map(presentUserToken) };
    },

    async revokeUserToken({ id }, context) {
      await revokeUserToken(parts, operatorOf(context), id);
      return {};
    },
  };
}
