import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOutcome } from '#core/outcome.ts';
import { describeFailure } from './describe-failure.ts';
import { outcomeOfStatus } from './wait-status.ts';

test('outcomeOfStatus() reads the status of wait4', () => {
  const cases: [number, string][] = [
    [0, 'exit 0'],
    [0xff00, 'exit 255'],
    [9, 'SIGKILL'],
    [0x86, 'SIGABRT, core dumped'],
    [40, 'SIGRTMIN+6'],
  ];
  for (const [status, outcome] of cases) assert.equal(describeOutcome(outcomeOfStatus(status)), outcome);
});

test('describeFailure() names the step, its subject and the reason', () => {
  const names = { cwd: '/nope', binary: '/bin/x' };
  assert.equal(describeFailure('chdir', 2, names), 'chdir /nope: no such file or directory');
  assert.equal(describeFailure('execve', 13, names), 'execve /bin/x: permission denied');
  assert.equal(describeFailure('fork', 11, names), 'fork: resource temporarily unavailable');
  assert.equal(describeFailure('fork', 4000, names), 'fork: errno 4000');
});
