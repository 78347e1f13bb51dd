import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PolicyError, parsePolicy } from './policy.ts';
import { presets, starterPolicy } from './starter-policy.ts';

const good = `version: 1
commands: [/usr/bin/true]
users: [worker, other]
signals: [SIGTERM]
shell: false
environment: [TZ]
`;

test('parsePolicy() reads a policy', () => {
  const { commands, users, signals, shell, terminals, environment } = parsePolicy(good);
  assert.deepEqual(commands, ['/usr/bin/true']);
  assert.deepEqual(users, ['worker', 'other']);
  assert.deepEqual(signals, ['SIGTERM']);
  assert.equal(shell, false);
  assert.equal(terminals, false, 'a terminal that nobody spoke of');
  assert.equal(parsePolicy(`${good}terminals: true\n`).terminals, true);
  assert.deepEqual(environment, ['TZ']);
});

const bad: Record<string, [string, string]> = {
  'an unknown key': [`${good}\n# more\nfiles: any\n`, 'line 9: unknown key "files"'],
  'a missing key': [good.replace('shell: false\n', ''), 'line 1: the key "shell" is missing'],
  'another version': [good.replace('version: 1', 'version: 2'), 'line 1: "version" takes 1'],
  'a relative command': [
    good.replace('/usr/bin/true', 'true'),
    'line 2: "commands" takes "any" or a list of absolute paths of binaries',
  ],
  'no user': [
    good.replace('[worker, other]', '[]'),
    'line 3: "users" takes a list of at least one user name',
  ],
  'a user by number': [good.replace('worker', '0'), 'line 3: "users" takes a list of at least one user name'],
  'a signal by number': [
    good.replace('SIGTERM', '15'),
    'line 4: "signals" takes "any" or a list of names such as SIGTERM',
  ],
  'a signal that there is not': [
    good.replace('SIGTERM', 'SIGTREM'),
    'line 4: "signals" takes "any" or a list of names such as SIGTERM',
  ],
  'a word for a boolean': [good.replace('false', 'maybe'), 'line 5: "shell" takes true or false'],
  'a variable with its value': [
    good.replace('[TZ]', '[TZ=UTC]'),
    'line 6: "environment" takes "any" or a list of variable names',
  ],
  'a key twice': [`${good}shell: true\n`, 'line 7: not YAML: Map keys must be unique'],
  'no YAML': ['version: [1\n', 'line 2: not YAML: '],
  'an empty file': ['', 'line 1: the file must hold keys and values, beginning with "version: 1"'],
  'a list': ['- version: 1\n', 'line 1: the file must hold keys and values, beginning with "version: 1"'],
};

for (const [name, [text, message]] of Object.entries(bad)) {
  test(`parsePolicy() refuses ${name}, and says where`, () => {
    assert.throws(
      () => parsePolicy(text),
      (error) => {
        assert.ok(error instanceof PolicyError);
        assert.ok(error.message.startsWith(message), error.message);
        assert.ok(!error.message.includes('\n'), 'more than a line');
        return true;
      },
    );
  });
}

test('parsePolicy() does not expand aliases', () => {
  assert.throws(() => parsePolicy(`${good.replace('[worker, other]', '&u [worker]')}more: *u\n`));
});

for (const preset of presets) {
  test(`starterPolicy() writes what parsePolicy() reads: ${preset}`, () => {
    const policy = parsePolicy(starterPolicy(preset, { task: 'drover-task', own: 'drover' }));
    assert.equal(policy.commands, 'any');
    assert.equal(policy.terminals, preset === 'open');
    assert.deepEqual(policy.users, preset === 'confined' ? ['drover-task'] : ['drover-task', 'drover']);
    const alone = parsePolicy(starterPolicy(preset, { task: undefined, own: 'drover' }));
    assert.deepEqual(alone.users, ['drover']);
  });
}
