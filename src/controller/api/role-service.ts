/** RoleService: what users can be given. */
import type { ServiceImpl } from '@connectrpc/connect';
import { createRole, noSuchRole, removeRole } from '#controller/auth/manage-users.ts';
import { builtInRoles } from '#core/access/built-in-roles.ts';
import type { RoleService } from '#protocol/gen/drover/v1/access_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf } from './caller.ts';
import { presentRole } from './present-access.ts';

/** The handlers. */
export function createRoleService(
  parts: Pick<ApiParts, 'store' | 'clock' | 'authenticator'>,
): ServiceImpl<typeof RoleService> {
  const { read } = parts.store;
  return {
    async createRole({ role, replace }, context) {
      return presentRole(await createRole(parts, operatorOf(context), role, replace));
    },

    async getRole({ name }) {
      const builtIn = builtInRoles.get(name);
      if (builtIn) return builtIn;
      const record = await read.findRole(name);
      if (!record) throw noSuchRole(name);
      return presentRole(record);
    },

    async listRoles() {
      const roles = [...builtInRoles.values(), ...(await read.listRoles()).map(presentRole)];
      return { roles: roles.sort((a, b) => (a.name < b.name ? -1 : 1)) };
    },

    async removeRole({ name }, context) {
      await removeRole(parts, operatorOf(context), name);
      return {};
    },
  };
}
