/** Roles as they are decided with: parsed, and prepared for many questions. Data and the one question whether a rule is met. */
import { type ArgvPattern, matchesArgv } from '#core/argv-pattern.ts';
import type { NodeSetMember } from '#core/node-set/select-node-names.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';

/** One rule; a condition that is undefined holds always. */
export interface AccessRule {
  readonly effect: 'allow' | 'forbid';
  readonly verbs: ReadonlySet<Verb>;
  readonly nodes: ((node: NodeSetMember) => boolean) | undefined;
  readonly runAs: ReadonlySet<string> | undefined;
  readonly commands: readonly ArgvPattern[] | undefined;
  /** "rule 2 of role web-ops". */
  readonly place: string;
}

/** A role, ready. */
export interface AccessRole {
  readonly name: string;
  readonly rules: readonly AccessRule[];
}

/** How rules write a task that names no user. Nobody is called so: a user's name has no "@". */
export const defaultUser = '@default';

/** What a verb is to be done to; what is absent is not known, or not a thing of that verb. */
export interface AccessTarget {
  readonly node?: NodeSetMember;
  /** Name of a user of the node, or `defaultUser`. */
  readonly runAs?: string;
  readonly command?: AccessCommand;
}

/** What is, or would be, launched. */
export interface AccessCommand {
  readonly argv: readonly string[];
  /** It is a command line for a shell: what it does, its argument vector does not say. */
  readonly shell: boolean;
  /** It brings a PATH of its own, by which a command without a slash may be any program. */
  readonly ownPath: boolean;
}

/** Whether the rule is about this. What it makes conditions of must be known. */
export function isMet(rule: AccessRule, verb: Verb, { node, runAs, command }: AccessTarget): boolean {
  return (
    rule.verbs.has(verb) &&
    (rule.nodes === undefined || (node !== undefined && rule.nodes(node))) &&
    (rule.runAs === undefined || (runAs !== undefined && rule.runAs.has(runAs))) &&
    (rule.commands === undefined || (command !== undefined && hasCommand(rule, rule.commands, command)))
  );
}

/** Whether the rule says the same of everything. */
export function isUnconditional({ nodes, runAs, commands }: AccessRule): boolean {
  return nodes === undefined && runAs === undefined && commands === undefined;
}

/** What a command is that cannot be told from its argument vector is no command that is allowed, and may be one that is forbidden. */
function hasCommand(
  { effect }: AccessRule,
  patterns: readonly ArgvPattern[],
  { argv, shell, ownPath }: AccessCommand,
): boolean {
  const isUntold = shell || (ownPath && !argv[0]?.includes('/'));
  if (isUntold) return effect === 'forbid';
  return patterns.some((pattern) => matchesArgv(pattern, argv));
}
