import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anyWords,
  type CommandSyntax,
  noWords,
  parseCommandLine,
  renderHelp,
  UsageError,
} from './command-line.ts';

const options = {
  nodes: { type: 'string', short: 'w', value: 'SET', help: 'on these nodes', insteadOfTwice: 'join them' },
  detach: { type: 'boolean', short: 'd', help: 'do not follow' },
  env: { type: 'string', value: 'K=V', help: 'environment', multiple: true },
  output: { type: 'string', short: 'o', value: 'FORMAT', help: 'output', choices: ['table', 'json'] },
} as const;

const syntax: CommandSyntax<typeof options> = {
  name: 'run',
  summary: 'launch a command on nodes',
  usage: '[options] [--] ARGV…',
  words: anyWords,
  options,
  examples: ['drover run -w web1 -- uptime'],
  stopAtFirstWord: true,
};

test('parseCommandLine() leaves what follows -- alone', () => {
  const line = parseCommandLine(syntax, [
    '-dw',
    'web1',
    '--env',
    'A=1',
    '--env=B=2',
    '--',
    'ls',
    '-l',
    '--',
    'x',
  ]);
  assert.deepEqual({ ...line.options }, { detach: true, nodes: 'web1', env: ['A=1', 'B=2'] });
  assert.deepEqual(line.words, []);
  assert.deepEqual(line.rest, ['ls', '-l', '--', 'x']);
});

test('parseCommandLine() ends the options at the first word where the command says so', () => {
  const line = parseCommandLine(syntax, ['-w', 'web1', 'ls', '-l', '--', 'x']);
  assert.deepEqual(line.words, ['ls', '-l', '--', 'x']);
  assert.equal(line.rest, undefined);
  const mixed = parseCommandLine({ ...syntax, stopAtFirstWord: false }, ['web1', '-d']);
  assert.deepEqual(mixed.words, ['web1']);
  assert.equal(mixed.options.detach, true);
});

test('parseCommandLine() takes a value that begins with a dash where one may', () => {
  const pin = { type: 'string', help: 'p', mayBeginWithDash: true } as const;
  const line = parseCommandLine({ ...syntax, options: { ...options, pin } }, ['--pin', '-Zo1a', 'ls']);
  assert.deepEqual([line.options.pin, line.words], ['-Zo1a', ['ls']]);
});

for (const [argv, message] of [
  [['--nope'], /^drover run: there is no option --nope$/],
  [['--node', 'a'], /there is no option --node: did you mean --nodes\?$/],
  [['--detach-now'], /there is no option --detach-now: did you mean --detach\?$/],
  [['--toString'], /there is no option --toString$/],
  [['--__proto__=x'], /there is no option --__proto__$/],
  [['-w'], /-w needs a value, and none follows$/],
  [['-w', '--', 'x'], /-w needs a value, and none follows$/],
  [['-w', '-d', 'x'], /-w needs a value, and -d looks like an option: --nodes=-d if it is none$/],
  [['-w', ''], /the value of -w is empty/],
  [['-w', ' '], /the value of -w is empty/],
  [['--env='], /the value of --env is empty/],
  [['--detach=1'], /--detach takes no value$/],
  [['-d=1'], /there is no option -=$/],
  [['-o', 'xml'], /-o takes table, json, not "xml"/],
  [['-o', 'json', '--output=json'], /--output was given twice: give it once$/],
  [['-w', 'a', '-dw', 'b'], /-w was given twice: join them$/],
  [['x', 'a\ufffdb'], /"a\ufffdb" is not valid UTF-8$/],
] as const) {
  test(`parseCommandLine() refuses ${argv.join(' ')}`, () => {
    assert.throws(
      () => parseCommandLine(syntax, argv),
      (error) => error instanceof UsageError && message.test(error.message) && !error.message.includes('\n'),
    );
  });
}

test('parseCommandLine() takes a flag twice, and a value that begins with a dash where it is joined', () => {
  const { options: given } = parseCommandLine(syntax, ['-dd', '--nodes=-x', '--env', '-']);
  assert.deepEqual({ ...given }, { detach: true, nodes: '-x', env: ['-'] });
});

for (const [words, argv, message] of [
  [
    noWords,
    ['a'],
    /^drover run takes options only, and "a" is one too many: leave it out, or see drover help run$/,
  ],
  [noWords, ['--', 'a'], /"a" is one too many/],
  [
    { max: 1, insteadOfMore: 'join them' },
    ['a', '-d', 'b'],
    /takes one word, and "b" is one too many: join them$/,
  ],
  [anyWords, ['a', ''], /one of its words is empty/],
] as const) {
  test(`parseCommandLine() takes ${words.max} words, not ${JSON.stringify(argv)}`, () => {
    assert.throws(
      () => parseCommandLine({ ...syntax, words, stopAtFirstWord: false }, argv),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('parseCommandLine() takes words after -- for words', () => {
  const line = parseCommandLine({ ...syntax, stopAtFirstWord: false }, ['a', '--', '-d']);
  assert.deepEqual(line, { options: line.options, words: ['a', '-d'], rest: undefined });
});

test('renderHelp() shows groups under their headings, and what has none under Others', () => {
  const options = {
    all: { type: 'boolean', help: 'a', group: 'Where' },
    help: { type: 'boolean', help: 'h' },
    one: { type: 'boolean', help: 'o', group: 'Where' },
  } as const;
  const syntax = { name: 'x', summary: 'y', usage: '', words: { max: 0 }, options, examples: [] };
  assert.match(renderHelp(syntax), /\nWhere:\n {6}--all {3}a\n {6}--one {3}o\n\nOthers:\n {6}--help {2}h\n$/);
});

test('renderHelp() wraps to the width it is given', () => {
  for (const width of [30, 80]) {
    for (const line of renderHelp({ ...syntax, details: ['word '.repeat(40).trim()] }, width).split('\n')) {
      assert.ok(line.length <= Math.max(width, 42), line);
    }
  }
});
