import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { SurvivorSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { describeSurvivors } from './describe-survivors.ts';

function survivor(pid: number, state: string) {
  return create(SurvivorSchema, { pid, command: 'cp', state });
}

test('describeSurvivors() names a few with why they may be there, and counts the rest', () => {
  assert.equal(
    describeSurvivors([survivor(7, 'D'), survivor(8, 't')], 4_200),
    'SIGKILL was sent 4 s ago, still there: cp 7 (D: waits in the kernel), cp 8 (t: is being traced)',
  );
  const many = Array.from({ length: 64 }, (_, i) => survivor(i + 1, 'I'));
  assert.match(
    describeSurvivors(many, 2_000),
    /^SIGKILL was sent 2 s ago, still there: cp 1 \(I\), .*, 59 more$/,
  );
});
