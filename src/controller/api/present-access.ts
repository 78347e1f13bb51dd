/** Users, their tokens and roles as the API shows them. No hash leaves the controller. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { RoleRecord, UserRecord, UserTokenRecord } from '#controller/store/store.ts';
import {
  type Role,
  RoleSchema,
  type User,
  UserSchema,
  type UserToken,
  UserTokenSchema,
} from '#protocol/gen/drover/v1/access_pb.ts';

/** A user. */
export function presentUser({ createdAtMs, roles, ...user }: UserRecord): User {
  return create(UserSchema, { ...user, roles: [...roles], createdAt: timestampFromMs(createdAtMs) });
}

/** A token, without what proves it. */
export function presentUserToken(token: UserTokenRecord): UserToken {
  const { id, user, description, roles, verbs, createdAtMs, expiresAtMs, usedAtMs } = token;
  return create(UserTokenSchema, {
    id,
    user,
    description,
    roles: [...roles],
    verbs: [...verbs],
    createdAt: timestampFromMs(createdAtMs),
    ...(expiresAtMs === undefined ? {} : { expiresAt: timestampFromMs(expiresAtMs) }),
    ...(usedAtMs === undefined ? {} : { usedAt: timestampFromMs(usedAtMs) }),
  });
}

/** A role that was written. */
export function presentRole({ name, description, rules, changedBy, changedAtMs }: RoleRecord): Role {
  const changedAt = timestampFromMs(changedAtMs);
  return create(RoleSchema, { name, description, rules: [...rules], changedBy, changedAt });
}
