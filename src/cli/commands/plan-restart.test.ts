import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { RestartMode } from '#protocol/gen/drover/v1/task_pb.ts';
import { planRestart, type RestartOptions } from './plan-restart.ts';

const { ON_FAILURE, ALWAYS } = RestartMode;

for (const [options, expected] of [
  [{}, undefined],
  [{ restart: 'never' }, undefined],
  [{ restart: 'always' }, { mode: ALWAYS, max: 0 }],
  [
    { restart: 'on-failure', 'restart-max': '5' },
    { mode: ON_FAILURE, max: 5 },
  ],
  [
    { restart: 'always', 'restart-backoff': '500ms' },
    { mode: ALWAYS, max: 0, backoffMs: 500n, backoffMaxMs: 60_000n },
  ],
  [
    { restart: 'always', 'restart-backoff': '5m' },
    { mode: ALWAYS, max: 0, backoffMs: 300_000n, backoffMaxMs: 300_000n },
  ],
  [
    { restart: 'always', 'restart-backoff': '1:10m' },
    { mode: ALWAYS, max: 0, backoffMs: 1_000n, backoffMaxMs: 600_000n },
  ],
] satisfies [RestartOptions, ReturnType<typeof planRestart>][]) {
  test(`planRestart() of ${JSON.stringify(options)}`, () => assert.deepEqual(planRestart(options), expected));
}

for (const [options, message] of [
  [{ 'restart-max': '3' }, '--restart-max says nothing without --restart on-failure or always'],
  [
    { restart: 'never', 'restart-backoff': '3' },
    '--restart-backoff says nothing without --restart on-failure or always',
  ],
  [{ restart: 'always', 'restart-max': '0' }, '--restart-max takes a number from 1 on, not "0"'],
  [
    { restart: 'always', 'restart-backoff': 'soon' },
    '--restart-backoff takes a duration such as 500ms, 10s, 5m, 2h or 1d, not "soon"',
  ],
  [
    { restart: 'always', 'restart-backoff': '2s:1s' },
    '--restart-backoff 2s:1s: the first pause is longer than the longest',
  ],
  [{ restart: 'always', 'restart-backoff': '1:2:3' }, '--restart-backoff 1:2:3: more than FIRST:LONGEST'],
] satisfies [RestartOptions, string][]) {
  test(`planRestart() refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => planRestart(options), new UsageError(message));
  });
}
