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
  assert.deepEqual(commands, [{ binary: '/usr/bin/true', pattern: undefined }]);
  assert.deepEqual(users, ['worker', 'other']);
  assert.deepEqual(signals, ['SIGTERM']);
  assert.equal(shell, false);
  assert.equal(terminals, false, 'a terminal that nobody spoke of');
  assert.equal(parsePolicy(`${good}terminals: true\n`).terminals, true);
  assert.deepEqual(environment, ['TZ']);
});

const bad: Record<string, [string, string]> = {
  'an unknown key': [`${good}\n# more\nmounts: any\n`, 'line 9: unknown key "mounts"'],
  'a missing key': [good.replace('shell: false\n', ''), 'line 1: the key "shell" is missing'],
  'another version': [good.replace('version: 1', 'version: 2'), 'line 1: "version" takes 1'],
  'a relative command': [
    good.replace('/usr/bin/true', 'ls'),
    'line 2: "commands": command 1: "ls" is not the absolute path of a binary',
  ],
  'commands that are no list': [
    good.replace('[/usr/bin/true]', 'all'),
    'line 2: "commands": takes "any" or a list of absolute paths of binaries and of patterns that begin with one',
  ],
  'a command that leads up': [
    good.replace('/usr/bin/true', '/usr/bin/../tmp/x'),
    'line 2: "commands": command 1: "/usr/bin/../tmp/x" is not the absolute path',
  ],
  'a pattern whose binary varies': [
    good.replace('/usr/bin/true', '[{oneOf: [/bin/a, /bin/b]}]'),
    'line 2: "commands": command 1: element 1: takes the absolute path of a binary',
  ],
  'a pattern that is wrong': [
    good.replace('/usr/bin/true', '[/bin/a, {int: [2, 1]}]'),
    'line 2: "commands": command 1: element 2: int [2, 1] has nothing between its bounds',
  ],
  'a named command with a parameter that is none': [
    `${good}namedCommands: {x: {argv: [/bin/x, {parameter: y}]}}\n`,
    'line 7: "namedCommands": x: "argv" names "y", which is no parameter',
  ],
  'a limit that is too high': [
    `${good}limits: {tasks: 5001}\n`,
    'line 7: "limits" takes "tasks", from 1 to 5000, and "starts", from 1 to 64',
  ],
  'a word for noNewPrivs': [`${good}noNewPrivs: sometimes\n`, 'line 7: "noNewPrivs" takes true or false'],
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
  'a root that is relative': [
    `${good}files: {read: [srv], write: []}\n`,
    'line 7: "files" takes "read" and "write", lists of absolute paths of directories or "workspace"',
  ],
  'a root that leads up': [
    `${good}files: {read: [/srv/../etc], write: []}\n`,
    'line 7: "files" takes "read"',
  ],
  'an unknown key of files': [
    `${good}files: {read: [], write: [], all: yes}\n`,
    'line 7: "files" takes "read"',
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

test('parsePolicy() reads which files may be used: the workspace where nobody says', () => {
  const drop = { owners: false, setid: false };
  assert.deepEqual(parsePolicy(good).files, { read: ['workspace'], write: ['workspace'], ...drop });
  const files = `${good}files:\n  read: [/]\n  write: [workspace, /srv/data/]\n  owners: true\n`;
  assert.deepEqual(parsePolicy(files).files, {
    read: ['/'],
    write: ['workspace', '/srv/data/'],
    owners: true,
    setid: false,
  });
});

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

test('parsePolicy() reads limits and noNewPrivs, which need not be there', () => {
  const { limits, noNewPrivs, namedCommands } = parsePolicy(good);
  assert.deepEqual(limits, { tasks: 5_000, starts: 64 });
  assert.equal(noNewPrivs, undefined);
  assert.equal(namedCommands.size, 0);
  const more = parsePolicy(`${good}limits: { starts: 2 }\nnoNewPrivs: true\n`);
  assert.deepEqual(more.limits, { tasks: 5_000, starts: 2 });
  assert.equal(more.noNewPrivs, true);
});
