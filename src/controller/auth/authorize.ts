/**
 * The one place that says whether an operator may do a thing, called in front of every handler and by those that know more of
 * what is asked. It decides; the caller records the decision with what it does.
 */
import type { AccessTarget } from '#core/access/access-rule.ts';
import {
  type AccessDecision,
  decideAccess,
  decideSomewhere,
  type Grants,
  isAllowedEverywhere,
} from '#core/access/decide-access.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';

/** Somebody whose token was found good. */
export interface Operator {
  /** Name of the user. */
  readonly name: string;
  readonly grants: Grants;
  /** Id of the token. */
  readonly tokenId: string;
}

/** May `operator` (undefined: nobody is known) call a method of this verb at all, whatever is then asked? */
export function authorizeCall(operator: Operator | undefined, verb: Verb): AccessDecision {
  if (verb === Verb.ANYONE) return { allowed: true, reason: 'anybody may' };
  if (!operator) return { allowed: false, reason: 'no operator is known' };
  if (verb === Verb.SELF) return { allowed: true, reason: 'every user may' };
  return decideSomewhere(operator.grants, verb);
}

/** May `operator` do what `verb` names to this target? */
export function authorize(operator: Operator | undefined, verb: Verb, target: AccessTarget): AccessDecision {
  if (!operator) return { allowed: false, reason: 'no operator is known' };
  return decideAccess(operator.grants, verb, target);
}

/** May `operator` do what `verb` names to whatever there is? Spares the questions one by one. */
export function isAuthorizedEverywhere(operator: Operator | undefined, verb: Verb): boolean {
  return operator !== undefined && isAllowedEverywhere(operator.grants, verb);
}
