import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine, UsageError } from '#base/command-line.ts';
import { runSyntax } from '#cli/syntax/run-syntax.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { LeftoverPolicy, RestartMode } from '#protocol/gen/drover/v1/task_pb.ts';
import { parseEnvFile, planRun } from './plan-run.ts';

const plan = (argv: readonly string[], env?: readonly string[]) =>
  planRun(parseCommandLine(runSyntax, argv), env);

test('planRun() takes every option to its field', () => {
  const argv =
    '-w web[1-3] -x web2 --name n --user u --cwd /d --env A=1 --env B=x=y --timeout 5m --stop-signal int --stop-grace 500ms --wait-for-nodes';
  assert.deepEqual(plan([...argv.split(' '), '--', 'ls', '-l'], ['A=0', 'C=']), {
    name: 'n',
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
});

test('planRun() takes a command of the policy by its name', () => {
  const { spec } = plan(['-a', '--command', 'restart-service', 'web']);
  assert.deepEqual([spec?.named, spec?.argv], [true, ['restart-service', 'web']]);
  assert.throws(() => plan(['-a', '--command', '--shell', 'x']), UsageError);
});

test('planRun() takes the options of the process and its life to their fields', () => {
  const argv =
    '-a --umask 27 --nice=-5 --limit cpu=2 --limit core=0 --restart always --restart-max 3 --leftovers keep x';
  const { argv: _, env: __, ...spec } = plan(argv.split(' ')).spec ?? {};
  assert.deepEqual(spec, {
    shell: false,
    cwd: '',
    user: '',
    timeoutMs: 0n,
    stopSignal: '',
    stopGraceMs: 0n,
    umask: 0o27,
    nice: -5,
    limits: { cpuMillis: 2000 },
    processLimits: [{ resource: 'core', soft: 0n, hard: 0n }],
    restart: { mode: RestartMode.ALWAYS, max: 3 },
    leftovers: LeftoverPolicy.KEEP,
  });
});

test('planRun() gives --shell to a shell', () => {
  const { spec } = plan(['-w', 'a', '--shell', 'ls | wc']);
  assert.deepEqual(spec?.argv, ['/bin/sh', '-c', 'ls | wc']);
  assert.equal(spec?.shell, true);
});

for (const [argv, message] of [
  [['-a'], /what\?/],
  [['-a', '--', ''], /the command is an empty word/],
  [['-a', '--timeout', '0', 'ls'], /above zero/],
  [['-a', '--shell', 'x', 'ls'], /"ls" is one too many/],
  [['-a', '--env', 'A', 'ls'], /NAME=VALUE, not "A"/],
  [['-a', '--timeout', 'soon', 'ls'], /--timeout takes a duration/],
  [['-a', '--umask', '8', 'ls'], /--umask takes up to three octal digits/],
  [['-a', '--umask', '01000', 'ls'], /not "01000"/],
  [['-a', '--nice', '20', 'ls'], /--nice takes a number from -20 to 19, not "20"/],
  [['-a', '--limit', 'memory=512q', 'ls'], /--limit memory=512q: not a size/],
  [['-a', '--restart-max', '1', 'ls'], /--restart-max says nothing without/],
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
