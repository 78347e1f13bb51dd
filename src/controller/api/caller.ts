/**
 * Who makes a call, and what it has been found to be allowed. The gate puts it into the call's context before any
 * handler runs; handlers read it from there, and ask here again when they know what the call is about. What was asked once is
 * asked again as long as a stream is open.
 */
import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import {
  authorize,
  authorizeCall,
  isAuthorizedEverywhere,
  type Operator,
} from '#controller/auth/authorize.ts';
import type { AccessTarget } from '#core/access/access-rule.ts';
import { verbName } from '#core/access/verbs.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';

/** The caller of one call. */
export interface Caller {
  /** Undefined on calls that anyone may make. */
  readonly operator: Operator | undefined;
  /** What this call was found to be allowed, for the next look at it. */
  readonly checks: AccessCheck[];
}

/** Asks again. @throws RefusedError where it is allowed no longer. */
export type AccessCheck = (operator: Operator | undefined) => void | Promise<void>;

/** Where the gate leaves the caller. */
export const callerKey = createContextKey<Caller | undefined>(undefined, { description: 'caller' });

/** The operator of a call that has one. An assertion: no handler with a verb runs without. */
export function operatorOf(context: HandlerContext): Operator {
  const operator = context.values.get(callerKey)?.operator;
  if (!operator) throw new Error(`${context.method.name} runs without an operator`);
  return operator;
}

/** Asks for one more verb than the method's own, on anything. @throws RefusedError DENIED */
export function requireVerb(context: HandlerContext, verb: Verb): void {
  settle(context, (operator) => requireCall(operator, verb));
}

/**
 * Asks whether the caller may do what each of these verbs names to all of what is looked up; who may do so to anything is spared the
 * looking up. @throws RefusedError DENIED; what looking up throws.
 */
export async function requireEach(
  context: HandlerContext,
  verbs: readonly Verb[],
  lookUp: () => Promise<readonly AccessTarget[]>,
): Promise<void> {
  await settle(context, async (operator) => {
    for (const verb of verbs) requireCall(operator, verb);
    if (verbs.every((verb) => isAuthorizedEverywhere(operator, verb))) return;
    const targets = await lookUp();
    for (const verb of verbs) requireAllowed(operator, verb, targets);
  });
}

/** Asks whether the caller may do what a verb names to each of these. @throws RefusedError DENIED */
export function requireAccess(context: HandlerContext, verb: Verb, targets: readonly AccessTarget[]): void {
  settle(context, (operator) => requireAllowed(operator, verb, targets));
}

/** Asks, and again as long as a stream is open. */
function settle<C extends AccessCheck>(context: HandlerContext, check: C): ReturnType<C> {
  const caller = context.values.get(callerKey);
  const asked = check(caller?.operator) as ReturnType<C>;
  caller?.checks.push(check);
  return asked;
}

/** Asks whether an operator may call methods of this verb at all. @throws RefusedError NOT_AUTHENTICATED or DENIED */
export function requireCall(operator: Operator | undefined, verb: Verb): void {
  const { allowed, reason } = authorizeCall(operator, verb);
  if (allowed) return;
  if (operator) throw denied(operator, verb, reason, []);
  throw new RefusedError(
    'NOT_AUTHENTICATED',
    'this call needs an operator token, and none or an unknown one was sent',
  );
}

/**
 * Asks whether an operator may do what a verb names to each of these.
 *
 * @throws RefusedError NOT_AUTHENTICATED or DENIED, which names all nodes on which it is denied and why it is on the first.
 */
export function requireAllowed(
  operator: Operator | undefined,
  verb: Verb,
  targets: readonly AccessTarget[],
): void {
  requireCall(operator, verb);
  if (!operator || isAuthorizedEverywhere(operator, verb)) return;
  let first: string | undefined;
  const nodes = new Set<string>();
  for (const target of targets) {
    const { allowed, reason } = authorize(operator, verb, target);
    if (allowed) continue;
    first ??= reason;
    if (target.node) nodes.add(target.node.name);
  }
  if (first !== undefined) throw denied(operator, verb, first, [...nodes]);
}

function denied(operator: Operator, verb: Verb, reason: string, nodes: readonly string[]): RefusedError {
  const where = nodes.length === 0 ? '' : ` on ${foldNodeNames(nodes)}`;
  return new RefusedError(
    'DENIED',
    `${operator.name} may not ${verbName(verb)}${where}: ${reason}`,
    nodes.slice(0, 100),
  );
}
