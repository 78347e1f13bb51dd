import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandSyntax, parseCommandLine, renderHelp, UsageError } from './command-line.ts';

const options = {
  nodes: { type: 'string', short: 'w', value: 'SET', help: 'on these nodes' },
  detach: { type: 'boolean', short: 'd', help: 'do not follow' },
  env: { type: 'string', value: 'K=V', help: 'environment', multiple: true },
  output: { type: 'string', short: 'o', value: 'FORMAT', help: 'output', choices: ['table', 'json'] },
} as const;

const syntax: CommandSyntax<typeof options> = {
  name: 'run',
  summary: 'launch a command on nodes',
  usage: '[options] [--] ARGV…',
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

for (const [argv, message] of [
  [['--nope'], /unknown option '--nope'/],
  [['-w'], /'-w, --nodes <value>' argument missing/],
  [['-d=1'], /unknown option '-='/],
  [['-o', 'xml'], /--output takes table, json, not "xml"/],
] as const) {
  test(`parseCommandLine() refuses ${argv.join(' ')}`, () => {
    assert.throws(
      () => parseCommandLine(syntax, argv),
      (error) => error instanceof UsageError && message.test(error.message) && !error.message.includes('\n'),
    );
  });
}

test('renderHelp() wraps to the width it is given', () => {
  for (const width of [30, 80]) {
    for (const line of renderHelp({ ...syntax, details: ['word '.repeat(40).trim()] }, width).split('\n')) {
      assert.ok(line.length <= Math.max(width, 42), line);
    }
  }
});
