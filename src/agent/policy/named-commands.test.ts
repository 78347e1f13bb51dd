import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgvPatternError } from '#core/argv-pattern.ts';
import { expandCommand, parseNamedCommands } from './named-commands.ts';

const commands = parseNamedCommands({
  'restart-service': {
    argv: ['/usr/bin/systemctl', 'restart', '--', { parameter: 'service' }],
    parameters: { service: { oneOf: ['web', 'db'] } },
    user: 'root',
  },
  last: {
    argv: ['/usr/bin/tail', '-n', { parameter: 'lines' }, { parameter: 'file' }],
    parameters: { lines: { int: [1, 100] }, file: { pathBeneath: '/var/log' } },
  },
  top: { argv: ['/usr/bin/uptime'], directory: '/srv', environment: ['TZ'] },
});

function expand(...words: string[]): string | readonly string[] {
  const expansion = expandCommand(commands, words);
  return 'problem' in expansion ? expansion.problem : expansion.argv;
}

test('expandCommand() puts each parameter into one argument, whole', () => {
  assert.deepEqual(expand('restart-service', 'web'), ['/usr/bin/systemctl', 'restart', '--', 'web']);
  assert.deepEqual(expand('last', '5', '/var/log/a b'), ['/usr/bin/tail', '-n', '5', '/var/log/a b']);
  assert.deepEqual(expand('top'), ['/usr/bin/uptime']);
});

const problems: Record<string, [string[], string]> = {
  'another value': [
    ['restart-service', 'sshd'],
    'command restart-service: service takes web or db, not "sshd"',
  ],
  'more words in one': [
    ['restart-service', 'web\n--now'],
    'command restart-service: service takes web or db, not "web\\n--now"',
  ],
  'an integer beyond its bounds': [
    ['last', '101', '/var/log/a'],
    'command last: lines takes an integer from 1 to 100, not "101"',
  ],
  'a path that leads out': [
    ['last', '1', '/var/log/../shadow'],
    'command last: file takes a path beneath /var/log, not "/var/log/../shadow"',
  ],
  'too few': [['last', '1'], 'command last takes lines file, and was given 1'],
  'too many': [['top', '--now'], 'command top takes no parameters, and was given 1'],
  'a name that there is not': [
    ['reboot'],
    'the node\'s policy has no command "reboot": it has restart-service, last and top',
  ],
  'a name of every object': [
    ['constructor'],
    'the node\'s policy has no command "constructor": it has restart-service, last and top',
  ],
};

for (const [name, [words, problem]] of Object.entries(problems)) {
  test(`expandCommand() says in one line: ${name}`, () => assert.equal(expand(...words), problem));
}

const bad: Record<string, [unknown, string]> = {
  'no argv': [{ x: {} }, 'x: "argv" takes an absolute path, then texts and { parameter: NAME }'],
  'a relative binary': [
    { x: { argv: ['ls'] } },
    'x: "argv" takes an absolute path, then texts and { parameter: NAME }',
  ],
  'a name with a slash': [{ '../x': { argv: ['/bin/x'] } }, '../x: a name is up to 63 of'],
  'an unknown key': [{ x: { argv: ['/bin/x'], shell: true } }, 'x: unknown key "shell"'],
  'a parameter that is not used': [
    { x: { argv: ['/bin/x'], parameters: { y: { int: [1, 2] } } } },
    'x: "argv" does not use parameter "y"',
  ],
  'a parameter of no kind': [
    { x: { argv: ['/bin/x', { parameter: 'y' }], parameters: { y: { rest: 3 } } } },
    'x: parameter y: rest can only be the last element of a list',
  ],
  'a list': [[], 'takes names, each with "argv"'],
};

for (const [name, [value, message]] of Object.entries(bad)) {
  test(`parseNamedCommands() refuses ${name}`, () => {
    assert.throws(
      () => parseNamedCommands(value),
      (error) => {
        assert.ok(error instanceof ArgvPatternError);
        assert.ok(error.message.startsWith(message), error.message);
        return true;
      },
    );
  });
}
