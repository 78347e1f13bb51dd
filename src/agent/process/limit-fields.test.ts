import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { limitFields } from './limit-fields.ts';
import { startFlags } from './supervisor-messages.ts';

const none = { flags: 0, nice: 0, rlimits: [], cpuMillis: 0, memoryBytes: 0n, processes: 0 };

test('limitFields() of nothing sets nothing', () => {
  assert.deepEqual(limitFields(undefined), none);
  assert.deepEqual(limitFields(create(TaskSpecSchema, {})), none);
});

test('limitFields() tells a priority of 0 from none', () => {
  assert.deepEqual(limitFields(create(TaskSpecSchema, { nice: 0 })), { ...none, flags: startFlags.nice });
});

test("limitFields() has the kernel's numbers, and unlimited where nothing is said", () => {
  const processLimits = [{ resource: 'nofile', soft: 10n, hard: 20n }, { resource: 'core' }];
  const limits = { cpuMillis: 1_500, memoryBytes: 5n, processes: 6 };
  const infinity = 2n ** 64n - 1n;
  assert.deepEqual(limitFields(create(TaskSpecSchema, { nice: -3, processLimits, limits })), {
    ...limits,
    flags: startFlags.nice,
    nice: -3,
    rlimits: [
      { resource: 7, soft: 10n, hard: 20n },
      { resource: 4, soft: infinity, hard: infinity },
    ],
  });
});
