import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { RestartMode, RestartPolicySchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { findRestartProblem } from './validate-restart.ts';

const { NEVER, ON_FAILURE, ALWAYS } = RestartMode;

const rows: readonly (readonly [MessageInitShape<typeof RestartPolicySchema>, string | undefined])[] = [
  [{}, undefined],
  [{ mode: NEVER }, undefined],
  [{ mode: ON_FAILURE, max: 2 ** 32 - 1 }, undefined],
  [{ mode: ALWAYS, backoffMs: 60_000n }, undefined],
  [{ mode: ALWAYS, backoffMs: 86_400_000n, backoffMaxMs: 86_400_000n }, undefined],
  [{ mode: 9 as RestartMode }, 'the restart mode is 9, which is none of its values'],
  [{ max: 1 }, 'a task that is never restarted has no number of restarts and no pause before them'],
  [
    { mode: NEVER, backoffMs: 1n },
    'a task that is never restarted has no number of restarts and no pause before them',
  ],
  [
    { mode: ALWAYS, backoffMaxMs: 86_400_001n },
    'a pause of 86400001 ms before a restart is out of range: at most 86400000',
  ],
  [
    { mode: ALWAYS, backoffMs: 60_001n },
    'the first pause before a restart is 60001 ms, above the longest, which is 60000',
  ],
  [
    { mode: ALWAYS, backoffMaxMs: 999n },
    'the first pause before a restart is 1000 ms, above the longest, which is 999',
  ],
];

for (const [restart, expected] of rows) {
  const shown = Object.entries(restart).map(([name, value]) => `${name}=${value}`);
  it(`findRestartProblem() of ${shown.join(' ') || 'nothing'}: ${expected ?? 'none'}`, () => {
    assert.equal(findRestartProblem(create(RestartPolicySchema, restart)), expected);
  });
}

it('findRestartProblem() finds nothing where there is no policy', () => {
  assert.equal(findRestartProblem(undefined), undefined);
});
