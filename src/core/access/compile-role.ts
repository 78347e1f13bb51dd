/** Reads a role as people write it: checks every rule, and prepares it for the questions of decide-access.ts. Pure. */
import { toJson } from '@bufbuild/protobuf';
import { ListValueSchema } from '@bufbuild/protobuf/wkt';
import { type ArgvPattern, ArgvPatternError, parseArgvPattern } from '#core/argv-pattern.ts';
import { ExpressionError } from '#core/expression/expression-error.ts';
import { createNodeSetMatcher } from '#core/node-set/node-set-matcher.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import type { NodeSetMember } from '#core/node-set/select-node-names.ts';
import { quote } from '#core/quote.ts';
import { matchSelector } from '#core/selector/match-selector.ts';
import { parseSelector } from '#core/selector/parse-selector.ts';
import type { Rule } from '#protocol/gen/drover/v1/access_pb.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { type AccessRole, type AccessRule, defaultUser } from './access-rule.ts';
import { type Condition, canBeAsked, findVerb, grantableVerbs, verbName } from './verbs.ts';

/** Rules of one role. */
const rulesMax = 64;
/** Users of the nodes that one rule names. */
const runAsMax = 64;
/** Patterns of one rule. */
const commandsMax = 64;

/** A role cannot be used. The message is one line that names the rule, such as `rule 2: …`. */
export class RoleError extends Error {
  override readonly name = 'RoleError';
}

/**
 * Prepares the rules of a role.
 *
 * @throws RoleError for rules that are none, say nothing, or make conditions that their verbs do not have.
 */
export function compileRole(name: string, rules: readonly Rule[]): AccessRole {
  if (rules.length === 0) throw new RoleError('has no rules');
  if (rules.length > rulesMax) throw new RoleError(`has more than ${rulesMax} rules`);
  return {
    name,
    rules: rules.map((rule, index) => at(`rule ${index + 1}`, () => compileRule(rule, index + 1, name))),
  };
}

/** The verb of that name. @throws RoleError */
export function requireVerbName(name: string): Verb {
  const verb = findVerb(name);
  if (verb !== undefined) return verb;
  throw new RoleError(
    `there is no verb ${quote(name)}, only all, ${grantableVerbs.map(verbName).join(', ')}`,
  );
}

function compileRule(rule: Rule, number: number, role: string): AccessRule {
  const [effect, names] = effectOf(rule);
  const nodes = compileNodes(rule);
  const runAs = compileRunAs(rule);
  const commands = compileCommands(rule);
  const conditions: Condition[] = [
    ...(nodes ? (['nodes'] as const) : []),
    ...(runAs ? (['run-as'] as const) : []),
    ...(commands ? (['commands'] as const) : []),
  ];
  const verbs = compileVerbs(names, conditions);
  return { effect, verbs, nodes, runAs, commands, place: `rule ${number} of role ${role}` };
}

function effectOf({ allow, forbid }: Rule): readonly [AccessRule['effect'], readonly string[]] {
  if (allow.length > 0 && forbid.length > 0) throw new RoleError('allows and forbids: make two rules of it');
  if (allow.length > 0) return ['allow', allow];
  if (forbid.length > 0) return ['forbid', forbid];
  throw new RoleError('neither allows nor forbids a verb');
}

function compileVerbs(names: readonly string[], conditions: readonly Condition[]): ReadonlySet<Verb> {
  const verbs = new Set<Verb>();
  for (const name of names) {
    const named =
      name === 'all'
        ? grantableVerbs.filter((verb) => canBeAsked(verb, conditions))
        : [requireVerbName(name)];
    for (const verb of named) verbs.add(verb);
  }
  const unfit = [...verbs].find((verb) => !canBeAsked(verb, conditions));
  if (unfit === undefined) return verbs;
  const condition = conditions.find((one) => !canBeAsked(unfit, [one])) ?? '';
  throw new RoleError(
    `${verbName(unfit)} has no ${words[condition as Condition]}: give it a rule of its own`,
  );
}

const words: Readonly<Record<Condition, string>> = {
  nodes: 'nodes',
  'run-as': 'user to run as',
  commands: 'command',
};

function compileNodes({ nodes, selector }: Rule): ((node: NodeSetMember) => boolean) | undefined {
  const isInSet = nodes === '' ? undefined : createNodeSetMatcher(expression(() => parseNodeSet(nodes)));
  const labels = selector === '' ? undefined : expression(() => parseSelector(selector));
  if (!labels) return isInSet;
  return (node) => (isInSet?.(node) ?? true) && matchSelector(labels, node.labels);
}

function compileRunAs({ runAs }: Rule): ReadonlySet<string> | undefined {
  if (runAs.length === 0) return undefined;
  if (runAs.length > runAsMax) throw new RoleError(`names more than ${runAsMax} users to run as`);
  const wrong = runAs.find((user) => user !== defaultUser && !/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(user));
  if (wrong !== undefined) throw new RoleError(`${quote(wrong)} cannot be the name of a user to run as`);
  return new Set(runAs);
}

function compileCommands({ commands }: Rule): readonly ArgvPattern[] | undefined {
  if (commands.length === 0) return undefined;
  if (commands.length > commandsMax) throw new RoleError(`has more than ${commandsMax} commands`);
  return commands.map((command, index) =>
    at(`command ${index + 1}`, () => parseArgvPattern(toJson(ListValueSchema, command))),
  );
}

function expression<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ExpressionError) throw new RoleError(error.message);
    throw error;
  }
}

function at<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RoleError || error instanceof ArgvPatternError)) throw error;
    throw new RoleError(`${place}: ${error.message}`);
  }
}
