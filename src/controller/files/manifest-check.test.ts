import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type FileEntrySchema, FileKind } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ManifestCheck } from './manifest-check.ts';
import { senderFrame, someBytes, testTree } from './testing/test-tree.ts';

const { REGULAR, DIRECTORY, SYMLINK, OTHER } = FileKind;

function entry(value: MessageInitShape<typeof FileEntrySchema>) {
  return senderFrame({ case: 'entry', value: { kind: REGULAR, ...value } });
}

function digests(count: number, length = 32) {
  const value = { digests: Array.from({ length: count }, () => new Uint8Array(length)) };
  return senderFrame({ case: 'digests', value });
}

test('ManifestCheck takes a whole tree', () => {
  const check = new ManifestCheck();
  const tree = testTree({
    'a/': Buffer.alloc(0),
    'a/empty': Buffer.alloc(0),
    'a/inline': someBytes(limits.fileInlineBytesMax),
    'a/large': someBytes(limits.fileInlineBytesMax + 1),
    'a/larger': someBytes(3 * limits.fileChunkBytes),
  });
  const { frames } = tree;
  assert.deepEqual(
    frames.map((frame) => check.refuse(frame)),
    frames.map(() => undefined),
  );
  assert.deepEqual([check.isWhole, check.entries], [true, 5]);
  const problem = { path: 'a/large', error: 'it changed', entry: 3 };
  assert.equal(check.refuse(senderFrame({ case: 'problem', value: problem })), undefined);
});

test('ManifestCheck refuses what is no manifest, and says why', () => {
  const large = entry({ path: 'a', size: BigInt(2 * limits.fileChunkBytes) });
  const end = (entries: bigint, bytes = 0n) => senderFrame({ case: 'end', value: { entries, bytes } });
  const back = (number: number) =>
    senderFrame({ case: 'problem', value: { path: 'a', error: 'gone', entry: number } });
  const cases: [ReturnType<typeof entry>[], RegExp | undefined][] = [
    ...['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a/./b'].map(
      (path) => [[entry({ path })], /does not lead downward/] as [ReturnType<typeof entry>[], RegExp],
    ),
    [[entry({ path: 'a\0b' })], /a NUL/],
    [[entry({ path: Array.from({ length: 300 }, () => 'a').join('/') })], /deeper than 256/],
    [[entry({ path: 'a'.repeat(5_000) })], /a path of 5000 bytes/],
    [[entry({ path: 'a', kind: OTHER })], /neither a file nor/],
    [[entry({ path: 'a', kind: SYMLINK })], /a link to nowhere/],
    [[entry({ path: 'a', kind: SYMLINK, linkTarget: '../../etc' })], undefined],
    [[entry({ path: 'a', kind: DIRECTORY, content: someBytes(1) })], /no regular file/],
    [[entry({ path: 'a', size: 3n, content: someBytes(2) })], /2 bytes in it where 3/],
    [[entry({ path: 'a', size: 1n << 20n, content: someBytes(2) })], /2 bytes in it where 0/],
    [[digests(1)], /1 digests where 0 chunks are left/],
    [[large, digests(3)], /3 digests where 2/],
    [[large, digests(1, 31)], /a digest of 31 bytes/],
    [[large, digests(1, 0), digests(1), end(1n, BigInt(2 * limits.fileChunkBytes))], undefined],
    [[large, digests(1), entry({ path: 'b' })], /before all digests of the one before/],
    [[large, digests(1), end(1n)], /before all digests of the last/],
    [[large, digests(1), back(0), entry({ path: 'b' })], undefined],
    [[large, back(0), digests(1), end(1n, BigInt(2 * limits.fileChunkBytes))], undefined],
    [[back(0)], /entry 0, which has not come/],
    [[entry({ path: 'a' }), end(2n)], /an end after 2 entries of 0 bytes, where 1 of 0/],
    [[end(0n), entry({ path: 'a' })], /behind the end/],
    [[end(0n), end(0n)], /a second time/],
    [[senderFrame(undefined)], /an empty frame/],
  ];
  for (const [frames, message] of cases) {
    const check = new ManifestCheck();
    const refusals = frames.map((frame) => check.refuse(frame));
    if (message) assert.match(refusals.at(-1) ?? 'nothing', message);
    else
      assert.deepEqual(
        refusals,
        refusals.map(() => undefined),
      );
  }
});
