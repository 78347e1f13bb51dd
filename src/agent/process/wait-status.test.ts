import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOutcome } from '#core/outcome.ts';
import { describeFailure } from './describe-failure.ts';
import { findSignal, signalName } from './signal-names.ts';
import { outcomeOfStatus } from './wait-status.ts';

test('outcomeOfStatus() reads the status of wait4', () => {
  const cases: [number, string][] = [
    [0, 'exit 0'],
    [0xff00, 'exit 255'],
    [9, 'SIGKILL'],
    [0x86, 'SIGABRT, core dumped'],
    [40, 'SIG40'],
  ];
  for (const [status, outcome] of cases) assert.equal(describeOutcome(outcomeOfStatus(status)), outcome);
});

test('findSignal() and signalName() know every signal, also those without a name', () => {
  for (let number = 1; number <= 64; number++) assert.equal(findSignal(signalName(number)), number);
  for (const name of ['', 'TERM', 'sigterm', 'SIG0', 'SIG65', 'SIG', 'SIGNOPE', 'constructor']) {
    assert.equal(findSignal(name), undefined, name);
  }
});

test('describeFailure() names the step, its subject and the reason', () => {
  const names = { cwd: '/nope', binary: '/bin/x' };
  assert.equal(describeFailure('chdir', 2, names), 'chdir /nope: no such file or directory');
  assert.equal(describeFailure('execve', 13, names), 'execve /bin/x: permission denied');
  assert.equal(describeFailure('fork', 11, names), 'fork: resource temporarily unavailable');
  assert.equal(describeFailure('fork', 4000, names), 'fork: errno 4000');
});
