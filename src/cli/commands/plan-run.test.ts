import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine, UsageError } from '#base/command-line.ts';
import { runSyntax } from '#cli/syntax/run-syntax.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { parseEnvFile, planRun } from './plan-run.ts';

const plan = (argv: readonly string[], selection?: string, env?: readonly string[]) =>
  planRun(parseCommandLine(runSyntax, argv), selection, env);

test('planRun() takes every option to its field', () => {
  const argv =
    '-w web[1-3] -x web2 --name n --user u --cwd /d --env A=1 --env B=x=y --timeout 5m --stop-signal int --stop-grace 500ms --wait-for-nodes';
  const { request, literal } = plan([...argv.split(' '), '--', 'ls', '-l'], undefined, ['A=0', 'C=']);
  assert.deepEqual(request, {
    name: 'n',
    nodes: 'web[1-3]',
    exclude: 'web2',
    spec: {
      argv: ['ls', '-l'],
      shell: false,
      cwd: '/d',
      user: 'u',
      env: { A: '1', B: 'x=y', C: '' },
      timeoutMs: 300_000n,
      stopSignal: 'SIGINT',
      stopGraceMs: 500n,
    },
    whenUnreachable: WhenUnreachable.WAIT,
  });
  assert.equal(literal, false);
});

test('planRun() gives --shell to a shell', () => {
  const { request } = plan(['-w', 'a', '--shell', 'ls | wc']);
  assert.deepEqual(request.spec?.argv, ['/bin/sh', '-c', 'ls | wc']);
  assert.equal(request.spec?.shell, true);
});

for (const [argv, selection, nodes, literal] of [
  [['-w', 'web1'], '@all', 'web1', true],
  [['-a'], undefined, '@all', false],
  [[], 'web1', 'web1', true],
  [['-w', 'web[1]'], undefined, 'web[1]', false],
] as const) {
  test(`planRun() of ${argv} with ${selection} selected targets ${nodes}`, () => {
    const made = plan([...argv, 'x'], selection);
    assert.deepEqual([made.request.nodes, made.literal], [nodes, literal]);
  });
}

for (const [argv, message] of [
  [['ls'], /on which nodes\?/],
  [['-a'], /what\?/],
  [['-a', '--', ''], /the command is an empty word/],
  [['-a', '--timeout', '0', 'ls'], /above zero/],
  [['-a', '-w', 'a', 'ls'], /not both/],
  [['-a', '--shell', 'x', 'ls'], /"ls" is one too many/],
  [['-a', '--env', 'A', 'ls'], /NAME=VALUE, not "A"/],
  [['-a', '--timeout', 'soon', 'ls'], /--timeout takes a duration/],
  [['-a', '--stop-signal', 'NOPE', 'ls'], /--stop-signal takes a signal/],
] as const) {
  test(`planRun() refuses ${argv.join(' ')}`, () => {
    assert.throws(
      () => plan(argv),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('parseEnvFile() leaves out remarks and empty lines', () => {
  assert.deepEqual(parseEnvFile('# c\nA=1\r\n\nB= 2 \n'), ['A=1', 'B= 2 ']);
});
