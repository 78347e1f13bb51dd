/** Which rule decides whether a user may do a thing: the question that the authorizer asks, and its answer for people. Changes nothing. */
import { create } from '@bufbuild/protobuf';
import type { Operator } from '#controller/auth/authorize.ts';
import { requireUser } from '#controller/auth/manage-users.ts';
import { requireMayAct } from '#controller/auth/mint-user-token.ts';
import { type AccessTarget, defaultUser } from '#core/access/access-rule.ts';
import { RoleError, requireVerbName } from '#core/access/compile-role.ts';
import { decideAccess } from '#core/access/decide-access.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { RefusedError } from '#protocol/errors.ts';
import {
  AccessDecisionSchema,
  type ExplainAccessRequest,
  type ExplainAccessResponse,
  ExplainAccessResponseSchema,
} from '#protocol/gen/drover/v1/access_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { resolveNodes } from './resolve-nodes.ts';

/**
 * Explains.
 *
 * @throws RefusedError DENIED for other people without user.manage, NO_SUCH_USER, INVALID for a verb that is none, and as
 *   resolveNodes, with the caller's eyes.
 */
export async function explainAccess(
  { store, authenticator }: Pick<ApiParts, 'store' | 'authenticator'>,
  operator: Operator,
  request: ExplainAccessRequest,
): Promise<ExplainAccessResponse> {
  const verb = readVerb(request.verb);
  const name = request.user || operator.name;
  requireMayAct(operator, name);
  const user = await requireUser(store.read, name);
  const targets = await targetsOf(store.read, operator, request);
  const grants = await authenticator.grantsOf(user);
  const answers = targets.map((target) => {
    if (user.disabled) return { target, allowed: false, reason: `user ${name} is disabled` };
    return { target, ...decideAccess(grants, verb, target) };
  });
  const groups = Map.groupBy(answers, ({ allowed, reason }) => `${allowed} ${reason}`);
  const decisions = [...groups.values()].flatMap(([first, ...others]) => {
    if (!first) return [];
    const nodes = [first, ...others].flatMap(({ target }) => target.node?.name ?? []);
    return create(AccessDecisionSchema, {
      nodes: foldNodeNames(nodes),
      allowed: first.allowed,
      reason: first.reason,
    });
  });
  return create(ExplainAccessResponseSchema, { decisions });
}

async function targetsOf(
  reader: ApiParts['store']['read'],
  operator: Operator,
  { nodes, runAs, argv }: ExplainAccessRequest,
): Promise<AccessTarget[]> {
  const launch = {
    runAs: runAs || defaultUser,
    ...(argv.length > 0 ? { command: { argv, shell: false, ownPath: false } } : {}),
  };
  if (nodes === '') return [launch];
  const viewer = { operator, verb: Verb.NODE_READ };
  return (await resolveNodes(reader, viewer, { nodes })).map((node) => ({ node, ...launch }));
}

function readVerb(name: string): Verb {
  try {
    return requireVerbName(name);
  } catch (error) {
    if (error instanceof RoleError) throw new RefusedError('INVALID', error.message, [name.slice(0, 64)]);
    throw error;
  }
}
