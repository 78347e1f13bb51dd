import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { parseCommandRules } from './command-rules.ts';
import { decideLaunch, decideSignal, type LaunchFacts } from './decide-launch.ts';
import { parseNamedCommands } from './named-commands.ts';
import type { Policy } from './policy.ts';

const policy: Policy = {
  commands: 'any',
  users: ['worker', 'root'],
  signals: 'any',
  shell: true,
  terminals: true,
  files: { read: [], write: [], owners: false, setid: false },
  environment: 'any',
  namedCommands: parseNamedCommands({
    restart: {
      argv: ['/usr/bin/systemctl', 'restart', { parameter: 'service' }],
      parameters: { service: { oneOf: ['web', 'db'] } },
      user: 'root',
      environment: ['TZ'],
    },
  }),
  limits: { tasks: 10, starts: 2 },
};

const worker = { name: 'worker', uid: 1000, gid: 1000, groups: [1000, 27], home: '/', shell: '/bin/sh' };
const root = { ...worker, name: 'root', uid: 0, gid: 0, groups: [0] };

function facts(
  changes: Partial<LaunchFacts>,
  spec: MessageInitShape<typeof TaskSpecSchema> = {},
): LaunchFacts {
  const argv = spec.argv ?? ['true', '-x'];
  return {
    spec: create(TaskSpecSchema, { argv, ...spec }),
    argv,
    named: undefined,
    policy,
    user: 'worker',
    account: { found: worker },
    agentUid: 0,
    binary: { found: '/usr/bin/true' },
    cwd: '/work',
    env: ['PATH=/bin'],
    ...changes,
  };
}

test('decideLaunch() allows, with everything as numbers and absolute paths', () => {
  assert.deepEqual(decideLaunch(facts({})), {
    allowed: true,
    rule: 'commands: any',
    launch: {
      binary: '/usr/bin/true',
      argv: ['true', '-x'],
      cwd: '/work',
      env: ['PATH=/bin'],
      identity: { uid: 1000, gid: 1000, groups: [1000, 27] },
      umask: 0o022,
      noNewPrivs: true,
    },
  });
});

test('decideLaunch() takes the umask that was asked for', () => {
  const decision = decideLaunch(facts({}, { umask: 0 }));
  assert.ok(decision.allowed);
  assert.equal(decision.launch.umask, 0);
});

test("decideLaunch() changes no identity for the agent's own user", () => {
  const own = decideLaunch(facts({ agentUid: 1000 }));
  assert.ok(own.allowed);
  assert.equal(own.launch.identity, undefined);
  const asRoot = decideLaunch(facts({ user: 'root', account: { found: root } }));
  assert.ok(asRoot.allowed);
  assert.equal(asRoot.launch.identity, undefined);
  assert.equal(asRoot.launch.noNewPrivs, false);
});

const refusals: Record<string, [LaunchFacts, string, number, RegExp]> = {
  'no command': [facts({}, { argv: [] }), 'command', 22, /there is no command/],
  'a relative directory': [facts({ cwd: 'work' }), 'chdir', 22, /directory work: not an absolute path/],
  'a shell': [
    facts({ policy: { ...policy, shell: false } }, { shell: true }),
    'policy',
    0,
    /allows no shell/,
  ],
  'a process limit that there is not': [
    facts({}, { processLimits: [{ resource: 'files' }] }),
    'limit',
    22,
    /^there is no process limit "files"$/,
  ],
  'a priority that there is not': [facts({}, { nice: 20 }), 'limit', 22, /^nice 20 is out of range/],
  'a terminal': [
    facts({ policy: { ...policy, terminals: false } }, { terminal: {} }),
    'policy',
    0,
    /allows no terminals/,
  ],
  'a user not listed': [facts({ user: 'bob' }), 'policy', 0, /does not allow to run as bob/],
  'another user without root': [
    facts({ agentUid: 5 }),
    'user',
    0,
    /user worker: the agent does not run as root/,
  ],
  'a user that is not there': [
    facts({ account: { missing: 'user worker: no such user on this node', errno: 2 } }),
    'user',
    2,
    /no such user/,
  ],
  'a loader variable': [
    facts({}, { env: { LD_PRELOAD: 'x' } }),
    'policy',
    0,
    /variable LD_PRELOAD never passes/,
  ],
  'a startup variable': [
    facts({}, { env: { BASH_ENV: 'x' } }),
    'policy',
    0,
    /variable BASH_ENV never passes/,
  ],
  'a variable not listed': [
    facts({ policy: { ...policy, environment: ['TZ'] } }, { env: { LANG: 'C' } }),
    'policy',
    0,
    /does not allow to set LANG/,
  ],
  'a variable that is none': [
    facts({}, { env: { 'A=B': 'x' } }),
    'environment',
    22,
    /variable "A=B": not a name/,
  ],
  'a command not listed': [
    facts({ policy: { ...policy, commands: parseCommandRules(['/usr/bin/false']) } }),
    'policy',
    0,
    /does not allow \/usr\/bin\/true "-x"$/,
  ],
  'a command that is not there': [
    facts({ binary: { missing: 'command true: not found on PATH', errno: 2 } }),
    'command',
    2,
    /not found on PATH/,
  ],
};

const restart = policy.namedCommands.get('restart');

/** What was made of `restart web`, where the policy allows no other command and no other user. */
function named(
  changes: Partial<LaunchFacts>,
  spec: MessageInitShape<typeof TaskSpecSchema> = {},
): LaunchFacts {
  const confined: Policy = { ...policy, commands: [], users: ['worker'] };
  const argv = ['/usr/bin/systemctl', 'restart', 'web'];
  const binary = { found: '/usr/bin/systemctl' };
  const asRoot = { named: restart, argv, binary, user: 'root', account: { found: root }, policy: confined };
  return facts({ ...asRoot, ...changes }, { argv: ['restart', 'web'], named: true, ...spec });
}

test('decideLaunch() allows a named command whatever else the policy allows', () => {
  const decision = decideLaunch(named({}, { env: { TZ: 'UTC' } }));
  assert.ok(decision.allowed);
  assert.equal(decision.rule, 'namedCommands: restart');
  assert.deepEqual(decision.launch.argv, ['/usr/bin/systemctl', 'restart', 'web']);
});

test('decideLaunch() lets nobody surround a named command', () => {
  const reasonOf = (spec: MessageInitShape<typeof TaskSpecSchema>) => {
    const decision = decideLaunch(named({}, spec));
    return decision.allowed ? undefined : decision.reason;
  };
  assert.equal(reasonOf({ env: { PATH: '/tmp' } }), 'command restart does not allow to set PATH');
  assert.equal(reasonOf({ env: { LD_PRELOAD: 'x' } }), 'variable LD_PRELOAD never passes to a task');
  assert.equal(reasonOf({ cwd: '/tmp' }), 'command restart runs in / only');
  assert.equal(reasonOf({ user: 'worker' }), 'command restart runs as root only');
  assert.equal(reasonOf({ shell: true }), 'command restart is given to no shell');
});

test('decideLaunch() says which rule allowed, and lets set-uid programs gain what the policy says', () => {
  const rules = parseCommandRules(['/usr/bin/sudo', ['/usr/bin/true', { oneOf: ['-x', '-y'] }]]);
  const launchBy = (changes: Partial<Policy>) => {
    const decision = decideLaunch(facts({ policy: { ...policy, ...changes } }));
    assert.ok(decision.allowed);
    return [decision.rule, decision.launch.noNewPrivs];
  };
  assert.deepEqual(launchBy({ commands: rules }), ['commands: command 2', false]);
  assert.deepEqual(launchBy({ commands: rules, noNewPrivs: true }), ['commands: command 2', true]);
  assert.deepEqual(launchBy({ noNewPrivs: false }), ['commands: any', false]);
});

for (const [name, [given, step, errno, reason]] of Object.entries(refusals)) {
  test(`decideLaunch() refuses ${name}`, () => {
    const decision = decideLaunch(given);
    assert.ok(!decision.allowed);
    assert.deepEqual([decision.step, decision.errno], [step, errno]);
    assert.match(decision.reason, reason);
  });
}

test('decideSignal() goes by the policy, and allows nothing without one', () => {
  const some = { policy: { ...policy, signals: ['SIGTERM'] }, text: '' };
  assert.equal(decideSignal({ policy, text: '' }, 'SIGHUP').allowed, true);
  assert.equal(decideSignal(some, 'SIGTERM').allowed, true);
  assert.deepEqual(decideSignal(some, 'SIGHUP'), {
    allowed: false,
    reason: "the node's policy does not allow SIGHUP",
  });
  assert.deepEqual(decideSignal({ problem: 'no file' }, 'SIGTERM'), { allowed: false, reason: 'no file' });
});
