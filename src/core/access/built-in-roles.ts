/** The roles that every cluster has. They are not recorded, so that a new version's are those of all its clusters. */
import { create } from '@bufbuild/protobuf';
import { type Role, RoleSchema } from '#protocol/gen/drover/v1/access_pb.ts';

const viewing = ['node.read', 'task.read', 'logs.read'];

const operating = [
  'task.launch',
  'task.signal',
  'task.shell',
  'shell.open',
  'file.read',
  'file.write',
  'file.remove',
];

/** By name. */
export const builtInRoles: ReadonlyMap<string, Role> = new Map(
  [
    builtIn('admin', 'Everything', ['all']),
    builtIn('operator', 'Everything about tasks and files, on every node', [...viewing, ...operating]),
    builtIn('viewer', 'See nodes, tasks and what they print', viewing),
  ].map((role) => [role.name, role]),
);

function builtIn(name: string, description: string, allow: string[]): Role {
  return create(RoleSchema, { name, description, builtIn: true, rules: [{ allow }] });
}
