import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { parseCommandLine, UsageError } from '#base/command-line.ts';
import { logsSyntax } from '#cli/syntax/task-syntax.ts';
import { LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { planLogs } from './plan-logs.ts';

const now = new Date(2026, 10, 22, 14, 5);
const plan = (...argv: string[]) => planLogs(parseCommandLine(logsSyntax, argv).options, now.getTime());

test('planLogs() reads everything once, by default', () => {
  assert.deepEqual(plan('k3'), {
    source: LogSource.UNSPECIFIED,
    attempt: 0,
    fromAttempt: 0,
    tailLines: 0,
    follow: false,
    since: undefined,
    until: undefined,
    times: false,
    grep: undefined,
    raw: false,
    json: false,
  });
});

test('planLogs() takes every option', () => {
  const planned = plan(
    '-f',
    '-n',
    '5',
    '--since',
    '10m',
    '--until',
    '18:00',
    '-t',
    '--grep',
    'a|b',
    '--stderr',
  );
  assert.deepEqual([planned.follow, planned.tailLines, planned.times], [true, 5, true]);
  assert.equal(planned.source, LogSource.STDERR);
  assert.ok(planned.since && planned.until);
  assert.equal(timestampMs(planned.since), now.getTime() - 600_000);
  assert.equal(timestampMs(planned.until), new Date(2026, 10, 22, 18).getTime());
  assert.deepEqual(
    ['a', 'c'].map((line) => planned.grep?.test(line)),
    [true, false],
  );
  assert.deepEqual([plan('--attempt', '3').attempt, plan('--attempt', '3').fromAttempt], [3, 0]);
  assert.deepEqual([plan('--attempt', 'all').attempt, plan('--attempt', 'all').fromAttempt], [0, 1]);
  assert.deepEqual([plan('--raw', '--stdout').raw, plan('-o', 'jsonl', '-n', '1').json], [true, true]);
});

const refused: Record<string, [string[], RegExp]> = {
  'both outputs by name': [['--stdout', '--stderr'], /give --stdout or --stderr, not both/],
  'bytes as JSON': [['--raw', '-o', 'jsonl'], /give --raw or -o jsonl, not both/],
  'times of bytes': [['--raw', '-t'], /--timestamps is for lines, and with --raw there are none/],
  'lines of chunks': [
    ['-o', 'jsonl', '--grep', 'x'],
    /--grep is for lines, and with -o jsonl there are none/,
  ],
  'an attempt that is no number': [['--attempt', 'last'], /--attempt takes a number from 1 on/],
  'a time that is none': [['--since', 'noon'], /--since takes a duration such as 10m, .*not "noon"/],
  'an end before its begin': [['--since', '1m', '--until', '2m'], /--since 1m is not before --until 2m/],
  'a pattern that is none': [
    ['--grep', '('],
    /^--grep takes a regular expression, not "\(": Unterminated group$/,
  ],
  'a count that is none': [['-n', '0'], /-n takes a number from 1 on/],
};

for (const [name, [argv, message]] of Object.entries(refused)) {
  test(`planLogs() refuses ${name}`, () => {
    assert.throws(
      () => plan(...argv),
      (error) => error instanceof UsageError && message.test(error.message) && !error.message.includes('\n'),
    );
  });
}
