/** UserService: who may use the cluster, and which rule decides what they may. */
import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { changeUser, createUser, removeUser, requireUser } from '#controller/auth/manage-users.ts';
import { type UserService, UserTokenSchema } from '#protocol/gen/drover/v1/access_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf } from './caller.ts';
import { explainAccess } from './explain-access.ts';
import { presentUser, presentUserToken } from './present-access.ts';

/** The handlers. */
export function createUserService(
  parts: Pick<ApiParts, 'store' | 'clock' | 'authenticator'>,
): ServiceImpl<typeof UserService> {
  const { read } = parts.store;
  return {
    async createUser(request, context) {
      return presentUser(await createUser(parts, operatorOf(context), request));
    },

    async listUsers() {
      return { users: (await read.listUsers()).map(presentUser) };
    },

    async changeUser({ name, grant, revoke, disabled }, context) {
      const change = { grant, revoke, disabled };
      return presentUser(await changeUser(parts, operatorOf(context), name, change));
    },

    async removeUser({ name }, context) {
      await removeUser(parts, operatorOf(context), name);
      return {};
    },

    async whoAmI(_, context) {
      const { name, tokenId } = operatorOf(context);
      const token = await read.findUserToken(tokenId);
      return {
        user: presentUser(await requireUser(read, name)),
        token: token ? presentUserToken(token) : create(UserTokenSchema),
      };
    },

    explainAccess: (request, context) => explainAccess(parts, operatorOf(context), request),
  };
}
