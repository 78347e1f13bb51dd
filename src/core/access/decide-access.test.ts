import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create, fromJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { RoleSchema, type Rule, RuleSchema } from '#protocol/gen/drover/v1/access_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { type AccessTarget, defaultUser } from './access-rule.ts';
import { builtInRoles } from './built-in-roles.ts';
import { compileRole, RoleError } from './compile-role.ts';
import { decideAccess, decideSomewhere, type Grants, isAllowedEverywhere } from './decide-access.ts';
import { findVerb, grantableVerbs, verbName } from './verbs.ts';

type RuleJson = Parameters<typeof fromJson<typeof RuleSchema>>[1];

function grants(...rules: RuleJson[]): Grants {
  const parsed = rules.map((rule) => fromJson(RuleSchema, rule));
  return { roles: [compileRole('r', parsed)], verbs: undefined };
}

const web1 = { name: 'web1', labels: { role: 'web' } };
const db1 = { name: 'db1', labels: { role: 'db' } };

function launch(argv: readonly string[], more: Partial<AccessTarget['command']> = {}): AccessTarget {
  return { node: web1, runAs: defaultUser, command: { argv, shell: false, ownPath: false, ...more } };
}

it('decideAccess() says no where nothing says yes, and says why', () => {
  assert.deepEqual(decideAccess({ roles: [], verbs: undefined }, Verb.NODE_READ, { node: web1 }), {
    allowed: false,
    reason: 'there is no role',
  });
  assert.deepEqual(
    decideAccess(grants({ allow: ['node.read'], nodes: 'db*' }), Verb.NODE_READ, { node: web1 }),
    {
      allowed: false,
      reason: 'no rule of role r allows it',
    },
  );
});

it('decideAccess() lets a rule that forbids win, wherever it stands', () => {
  const allow = { allow: ['all'] };
  const forbid = { forbid: ['task.launch'], selector: 'role=db' };
  for (const rules of [
    [allow, forbid],
    [forbid, allow],
  ]) {
    const given = grants(...rules);
    assert.equal(decideAccess(given, Verb.TASK_LAUNCH, { node: web1 }).allowed, true);
    const { allowed, reason } = decideAccess(given, Verb.TASK_LAUNCH, { node: db1 });
    assert.deepEqual([allowed, reason], [false, `rule ${rules.indexOf(forbid) + 1} of role r forbids it`]);
  }
});

it('decideAccess() holds a call about no node for no call on any node', () => {
  const given = grants({ allow: ['node.manage'], nodes: '@all' });
  assert.equal(decideAccess(given, Verb.NODE_MANAGE, { node: web1 }).allowed, true);
  assert.equal(decideAccess(given, Verb.NODE_MANAGE, {}).allowed, false);
});

it('decideAccess() allows no command that its argument vector does not tell, and forbids it', () => {
  const allowing = grants({ allow: ['task.launch'], commands: [['uptime', { rest: 1 }]] });
  const forbidding = grants({ allow: ['all'] }, { forbid: ['task.launch'], commands: [['reboot']] });
  const allowed = (given: Grants, target: AccessTarget) =>
    decideAccess(given, Verb.TASK_LAUNCH, target).allowed;
  assert.deepEqual(
    [['uptime'], ['uptime', '-s'], ['uptime', '-s', '-p'], ['reboot']].map((argv) =>
      allowed(allowing, launch(argv)),
    ),
    [true, true, false, false],
  );
  assert.equal(allowed(allowing, launch(['uptime'], { shell: true })), false);
  assert.equal(allowed(allowing, launch(['uptime'], { ownPath: true })), false);
  assert.equal(allowed(forbidding, launch(['uptime'])), true);
  assert.equal(allowed(forbidding, launch(['uptime'], { shell: true })), false);
  assert.equal(allowed(forbidding, launch(['uptime'], { ownPath: true })), false);
  assert.equal(allowed(forbidding, launch(['/usr/bin/uptime'], { ownPath: true })), true);
});

it('decideAccess() gives a token no more than its verbs', () => {
  const { roles } = grants({ allow: ['all'] });
  const given = { roles, verbs: new Set([Verb.NODE_READ]) };
  assert.equal(decideAccess(given, Verb.NODE_READ, {}).allowed, true);
  assert.deepEqual(decideAccess(given, Verb.USER_MANAGE, {}), {
    allowed: false,
    reason: 'the token is not for user.manage',
  });
});

it('compileRole() takes "all" for every verb that has the conditions of the rule', () => {
  const [rule] = compileRole('r', [create(RuleSchema, { allow: ['all'], runAs: ['web'] })]).rules;
  assert.deepEqual([...(rule?.verbs ?? [])].map(verbName).sort(), [
    'logs.read',
    'shell.open',
    'task.launch',
    'task.shell',
    'task.signal',
  ]);
  assert.equal(
    compileRole('r', [create(RuleSchema, { allow: ['all'] })]).rules[0]?.verbs.size,
    grantableVerbs.length,
  );
});

it('compileRole() names the rule and what is wrong with it', () => {
  const malformed: readonly [rule: RuleJson, message: RegExp][] = [
    [{}, /^rule 1: neither allows nor forbids/],
    [{ allow: ['node.read'], forbid: ['task.read'] }, /^rule 1: allows and forbids/],
    [{ allow: ['node.raed'] }, /^rule 1: there is no verb "node.raed", only all, node.read/],
    [{ allow: ['self'] }, /^rule 1: there is no verb "self"/],
    [{ allow: ['user.manage'], nodes: 'web1' }, /^rule 1: user.manage has no nodes: give it/],
    [{ allow: ['task.launch', 'node.read'], runAs: ['web'] }, /^rule 1: node.read has no user to run as/],
    [{ allow: ['task.shell'], commands: [['ls']] }, /^rule 1: task.shell has no command/],
    [{ allow: ['task.launch'], commands: [['ls'], []] }, /^rule 1: command 2: has no command$/],
    [{ allow: ['task.launch'], runAs: ['a b'] }, /^rule 1: "a b" cannot be/],
    [{ allow: ['node.read'], nodes: 'web[' }, /^rule 1: node set "web\["/],
    [{ allow: ['node.read'], selector: 'a in' }, /^rule 1: label selector/],
  ];
  for (const [rule, message] of malformed) {
    const isSaid = (error: unknown) => error instanceof RoleError && message.test(error.message);
    assert.throws(() => compileRole('r', [fromJson(RuleSchema, rule)]), isSaid, JSON.stringify(rule));
  }
  assert.throws(() => compileRole('r', []), /^RoleError: has no rules$/);
});

it('the roles that every cluster has can be compiled, and each allows what the one before does', () => {
  const allowed = ['viewer', 'operator', 'admin'].map((name) => {
    const role = compileRole(name, builtInRoles.get(name)?.rules ?? []);
    const given = { roles: [role], verbs: undefined };
    return new Set(grantableVerbs.filter((verb) => isAllowedEverywhere(given, verb)));
  });
  const [viewer = new Set(), operator = new Set(), admin = new Set()] = allowed;
  assert.deepEqual([viewer.size, operator.size, admin.size], [3, 10, grantableVerbs.length]);
  assert.ok(viewer.isSubsetOf(operator) && operator.isSubsetOf(admin));
  for (const verb of grantableVerbs) assert.equal(findVerb(verbName(verb)), verb);
});

const nodes = [web1, db1, { name: 'x', labels: {} }, undefined];
const users = ['web', 'root', defaultUser, undefined];
const vectors = [['ls'], ['ls', '-l'], ['rm', '-rf'], undefined];
const askedVerbs: Verb[] = [Verb.TASK_LAUNCH, Verb.TASK_SIGNAL, Verb.LOGS_READ];

/** A rule as plain lists, from which both the role and the oracle's answer are made. */
const plainRule = fc.record({
  effect: fc.constantFrom('allow', 'forbid'),
  verbs: fc.subarray(askedVerbs, { minLength: 1 }),
  nodes: fc.option(fc.subarray(['web1', 'db1', 'x']), { nil: undefined }),
  label: fc.option(fc.constantFrom('web', 'db'), { nil: undefined }),
  runAs: fc.option(fc.subarray(['web', 'root', defaultUser], { minLength: 1 }), { nil: undefined }),
  commands: fc.option(fc.subarray(vectors.slice(0, 3) as string[][], { minLength: 1 }), { nil: undefined }),
});
type PlainRule = typeof plainRule extends fc.Arbitrary<infer T> ? T : never;

function toRule({ effect, verbs, nodes: named, label, runAs, commands }: PlainRule): Rule {
  return fromJson(RuleSchema, {
    [effect]: verbs.map(verbName),
    ...(named ? { nodes: named.length > 0 ? named.join(',') : 'web1!web1' } : {}),
    ...(label === undefined ? {} : { selector: `role=${label}` }),
    ...(runAs ? { runAs } : {}),
    ...(commands ? { commands } : {}),
  });
}

/** The oracle: every condition spelt out, nothing prepared, no order. */
function isMetPlainly(rule: PlainRule, verb: Verb, { node, runAs, command }: AccessTarget): boolean {
  if (!rule.verbs.includes(verb)) return false;
  if (rule.nodes && !(node && rule.nodes.includes(node.name))) return false;
  if (rule.label !== undefined && node?.labels['role'] !== rule.label) return false;
  if (rule.runAs && !(runAs !== undefined && rule.runAs.includes(runAs))) return false;
  if (!rule.commands) return true;
  if (!command) return false;
  if (command.shell || command.ownPath) return rule.effect === 'forbid';
  return rule.commands.some((argv) => argv.join('\0') === command.argv.join('\0'));
}

const anyTarget = fc.record({
  node: fc.constantFrom(...nodes),
  runAs: fc.constantFrom(...users),
  argv: fc.constantFrom(...vectors),
  shell: fc.boolean(),
  ownPath: fc.boolean(),
});

function toTarget({
  node,
  runAs,
  argv,
  shell,
  ownPath,
}: typeof anyTarget extends fc.Arbitrary<infer T> ? T : never) {
  return {
    ...(node ? { node } : {}),
    ...(runAs === undefined ? {} : { runAs }),
    ...(argv ? { command: { argv, shell, ownPath } } : {}),
  } satisfies AccessTarget;
}

it('decideAccess() is the oracle, for any roles in any order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(plainRule, { minLength: 1, maxLength: 4 }), { maxLength: 3 }),
      fc.constantFrom(...askedVerbs),
      anyTarget,
      fc.option(fc.subarray(askedVerbs), { nil: undefined }),
      (roles, verb, asked, tokenVerbs) => {
        const target = toTarget(asked);
        const given: Grants = {
          roles: roles.map((rules, index) => compileRole(`r${index}`, rules.map(toRule))),
          verbs: tokenVerbs && new Set(tokenVerbs),
        };
        const met = roles.flat().filter((rule) => isMetPlainly(rule, verb, target));
        const expected =
          (tokenVerbs?.includes(verb) ?? true) &&
          met.some(({ effect }) => effect === 'allow') &&
          met.every(({ effect }) => effect === 'allow');
        assert.equal(decideAccess(given, verb, target).allowed, expected);
        const backwards = given.roles
          .toReversed()
          .map((role) => ({ ...role, rules: role.rules.toReversed() }));
        assert.equal(decideAccess({ ...given, roles: backwards }, verb, target).allowed, expected);
        if (expected) assert.equal(decideSomewhere(given, verb).allowed, true);
        if (isAllowedEverywhere(given, verb)) assert.equal(expected, true);
      },
    ),
    { numRuns: 3_000 },
  );
});

it('a role is a document: what JSON says of it is what it is', () => {
  const role = fromJson(RoleSchema, {
    name: 'web-ops',
    rules: [{ allow: ['task.launch'], nodes: 'web*', runAs: ['web'], commands: [['ls', { rest: 2 }]] }],
  });
  const given = { roles: [compileRole(role.name, role.rules)], verbs: undefined };
  const target = { ...launch(['ls', '-l']), runAs: 'web' };
  assert.equal(decideAccess(given, Verb.TASK_LAUNCH, target).reason, 'rule 1 of role web-ops');
});
