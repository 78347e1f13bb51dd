/**
 * The one place that says whether an operator may do a thing, called in front of every handler. It decides; the caller
 * records the decision with what it does. Admin is the only role so far; an operator without a known role may do nothing.
 */
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';

/** Somebody whose token was found good. */
export interface Operator {
  readonly name: string;
  readonly role: string;
}

/** Whether, and why. */
export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/** May `operator` (undefined: nobody is known) do what `verb` names? */
export function authorize(operator: Operator | undefined, verb: Verb): Decision {
  if (verb === Verb.ANYONE) return { allowed: true };
  if (verb === Verb.UNSPECIFIED) return { allowed: false, reason: 'the method declares no verb' };
  if (!operator) return { allowed: false, reason: 'no operator is known' };
  if (operator.role === 'admin') return { allowed: true };
  return { allowed: false, reason: `role ${operator.role} does not have ${verbName(verb)}` };
}

/** Name of a verb as roles and the audit write it, such as "task.launch". */
export function verbName(verb: Verb): string {
  const name = Object.entries(Verb).find(([, value]) => value === verb)?.[0] ?? String(verb);
  return name.toLowerCase().replace('_', '.');
}
