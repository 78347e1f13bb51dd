/**
 * Who makes a call, and what it has been found to be allowed. The gate puts it into the call's context before any
 * handler runs; handlers read it from there and ask for further verbs here.
 */
import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import { authorize, type Operator } from '#controller/auth/authorize.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';

/** The caller of one call. */
export interface Caller {
  /** Undefined on calls that anyone may make. */
  readonly operator: Operator | undefined;
  /** The verbs that this call has used, for the next look at it. */
  readonly verbs: Set<Verb>;
}

/** Where the gate leaves the caller. */
export const callerKey = createContextKey<Caller | undefined>(undefined, { description: 'caller' });

/** The operator of a call that has one. An assertion: no handler with a verb runs without. */
export function operatorOf(context: HandlerContext): Operator {
  const operator = context.values.get(callerKey)?.operator;
  if (!operator) throw new Error(`${context.method.name} runs without an operator`);
  return operator;
}

/** Asks for one more verb than the method's own, such as task.shell. @throws RefusedError DENIED */
export function requireVerb(context: HandlerContext, verb: Verb): void {
  const caller = context.values.get(callerKey);
  requireAllowed(caller?.operator, verb);
  caller?.verbs.add(verb);
}

/** @throws RefusedError NOT_AUTHENTICATED or DENIED */
export function requireAllowed(operator: Operator | undefined, verb: Verb): void {
  const decision = authorize(operator, verb);
  if (decision.allowed) return;
  if (!operator)
    throw new RefusedError(
      'NOT_AUTHENTICATED',
      'this call needs an operator token, and none or an unknown one was sent',
    );
  throw new RefusedError('DENIED', `${operator.name} may not do this: ${decision.reason}`);
}
