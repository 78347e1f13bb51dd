/** Operators for tests of what is behind authentication. */
import type { Operator } from '#controller/auth/authorize.ts';
import { builtInRoles } from '#core/access/built-in-roles.ts';
import { compileRole } from '#core/access/compile-role.ts';

/** The user "admin", who may do everything. */
export const adminOperator: Operator = {
  name: 'admin',
  tokenId: 'a',
  grants: { roles: [compileRole('admin', builtInRoles.get('admin')?.rules ?? [])], verbs: undefined },
};
