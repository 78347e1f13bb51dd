import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ChunkRefSchema, type SenderFrame, SenderFrameSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { OwedChunks } from './owed-chunks.ts';

const ref = (entry: number, index = 0) => create(ChunkRefSchema, { entry, index });
const chunk = (entry: number): SenderFrame =>
  create(SenderFrameSchema, { kind: { case: 'chunk', value: { ref: ref(entry) } } });
const problem = (entry?: number): SenderFrame =>
  create(SenderFrameSchema, {
    kind: { case: 'problem', value: entry === undefined ? { path: 'a' } : { path: 'a', entry } },
  });

test('OwedChunks are those that were asked for and neither came nor were taken back', () => {
  const cases: [wanted: number[], heard: SenderFrame[], some: boolean][] = [
    [[], [], false],
    [[1], [], true],
    [[1], [chunk(1)], false],
    [[1, 1], [chunk(1)], true],
    [[1, 2], [chunk(1)], true],
    [[1, 1], [problem(1)], false],
    [[1], [problem(2)], true],
    [[1], [problem()], true],
    [[0], [problem(0)], false],
    [[1], [chunk(7)], true],
    [[], [chunk(1)], false],
  ];
  for (const [wanted, heard, some] of cases) {
    const owed = new OwedChunks();
    owed.want(wanted.map((entry) => ref(entry)));
    for (const frame of heard) owed.hear(frame);
    assert.equal(owed.some, some, `${wanted} ${heard.map(({ kind }) => kind.case)}`);
  }
});
