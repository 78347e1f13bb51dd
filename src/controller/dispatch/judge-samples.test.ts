import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TaskSampleSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { refuseSamples } from './judge-samples.ts';

type Sample = MessageInitShape<typeof TaskSampleSchema>;

const sampledAt = { seconds: 1_700_000_000n };
const good = { taskId: 'a', sampledAt, processes: 1, threads: 3, userUs: 5n, rssBytes: 1n << 40n };

const rows: readonly (readonly [string, readonly Sample[], string | undefined])[] = [
  ['nothing', [], undefined],
  ['one of two', [good], undefined],
  ['both', [good, { ...good, taskId: 'b' }], undefined],
  ['another task', [{ ...good, taskId: 'c' }], 'a sample that nobody asked for, or one twice'],
  ['one twice', [good, good], 'a sample that nobody asked for, or one twice'],
  ['no time', [{ taskId: 'a' }], 'a sample without a time'],
  ['a time of the year 10,000', [{ ...good, sampledAt: { seconds: 1n << 50n } }], 'a sample without a time'],
  [
    'more processes than there can be',
    [{ ...good, processes: 2 ** 32 - 1 }],
    'a task of 4294967295 processes and 3 threads',
  ],
  [
    'more memory than there can be',
    [{ ...good, rssBytes: 2n ** 64n - 1n }],
    'a task that uses 18446744073709551615 of something',
  ],
];

for (const [what, samples, expected] of rows) {
  test(`refuseSamples() of ${what}: ${expected ?? 'good'}`, () => {
    const told = samples.map((sample) => create(TaskSampleSchema, sample));
    assert.equal(refuseSamples(['a', 'b'], told), expected);
  });
}
