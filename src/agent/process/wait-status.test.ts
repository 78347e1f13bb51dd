import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOutcome } from '#core/outcome.ts';
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
