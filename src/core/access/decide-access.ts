/**
 * Whether somebody may do a thing: allowed by one rule at least and forbidden by none, in whatever order roles and rules come.
 * Without a rule that allows, the answer is no.
 */
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import {
  type AccessRole,
  type AccessRule,
  type AccessTarget,
  isMet,
  isUnconditional,
} from './access-rule.ts';
import { verbName } from './verbs.ts';

/** What somebody has been given. */
export interface Grants {
  readonly roles: readonly AccessRole[];
  /** Only these verbs, as the token says that was shown; undefined: all that the roles allow. */
  readonly verbs: ReadonlySet<Verb> | undefined;
}

/** The answer, and what decided: "rule 2 of role web-ops", or why there is no rule. */
export interface AccessDecision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Decides about one target. */
export function decideAccess(grants: Grants, verb: Verb, target: AccessTarget): AccessDecision {
  return decide(grants, verb, (rule) => isMet(rule, verb, target));
}

/**
 * Whether there can be a target at all on which the verb is allowed: what can be told before it is known what is asked. A rule that
 * forbids under a condition may spare something.
 */
export function decideSomewhere(grants: Grants, verb: Verb): AccessDecision {
  return decide(
    grants,
    verb,
    (rule) => rule.verbs.has(verb) && (rule.effect === 'allow' || isUnconditional(rule)),
  );
}

/** Whether the verb is allowed on whatever there is. */
export function isAllowedEverywhere(grants: Grants, verb: Verb): boolean {
  return decide(
    grants,
    verb,
    (rule) => rule.verbs.has(verb) && (rule.effect === 'forbid' || isUnconditional(rule)),
  ).allowed;
}

function decide(
  { roles, verbs }: Grants,
  verb: Verb,
  isMetBy: (rule: AccessRule) => boolean,
): AccessDecision {
  if (verbs && !verbs.has(verb)) return { allowed: false, reason: `the token is not for ${verbName(verb)}` };
  let allowing: AccessRule | undefined;
  for (const role of roles) {
    for (const rule of role.rules) {
      if (rule.effect === 'allow' && allowing) continue;
      if (!isMetBy(rule)) continue;
      if (rule.effect === 'forbid') return { allowed: false, reason: `${rule.place} forbids it` };
      allowing = rule;
    }
  }
  if (allowing) return { allowed: true, reason: allowing.place };
  return { allowed: false, reason: whyNone(roles) };
}

function whyNone(roles: readonly AccessRole[]): string {
  const names = roles.map(({ name }) => name);
  if (names.length === 0) return 'there is no role';
  return names.length === 1
    ? `no rule of role ${names[0]} allows it`
    : `no rule of the roles ${names.join(', ')} allows it`;
}
