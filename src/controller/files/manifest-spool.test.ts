import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { FrameDecoder } from '#base/grpc-frames.ts';
import { FileKind, type SenderFrame } from '#protocol/gen/drover/v1/file_pb.ts';
import { FilesDownSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { type ManifestReader, ManifestSpool } from './manifest-spool.ts';
import { senderFrame, someBytes, testTree } from './testing/test-tree.ts';

const never = new AbortController().signal;

interface Room extends Disposable {
  grow(bytes: number): boolean;
  bytes: number;
}

function roomOf(bytesMax: number): Room {
  return {
    bytes: 0,
    grow(bytes) {
      this.bytes += bytes;
      return this.bytes <= bytesMax;
    },
    [Symbol.dispose]() {
      this.bytes = 0;
    },
  };
}

async function open(t: TestContext, room = roomOf(1 << 30)) {
  const directory = temporaryDirectory(t);
  return { directory, spool: await ManifestSpool.open(directory, room) };
}

/** Reads so many frames. */
async function read(reader: ManifestReader, count: number): Promise<SenderFrame[]> {
  const decoder = new FrameDecoder(limits.messageBytesMax);
  const frames: SenderFrame[] = [];
  while (frames.length < count) {
    const block = await reader.next(never);
    let entries = 0;
    for (const message of decoder.push(block.frames)) {
      const { kind } = fromBinary(FilesDownSchema, message);
      if (kind.case === 'sender') frames.push(kind.value);
      if (kind.case === 'sender' && kind.value.kind.case === 'entry') entries += 1;
    }
    assert.equal(block.entries, entries);
    assert.equal(decoder.partial, false, 'only whole frames');
  }
  return frames;
}

test('ManifestSpool gives each reader every frame in order, as it comes, and leaves no file', async (t) => {
  const { directory, spool } = await open(t);
  await using _spool = spool;
  assert.deepEqual(readdirSync(directory), []);
  const contents = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`f${i}`, someBytes(i % 7 === 0 ? 20_000 : i * 20)]),
  );
  const { frames } = testTree({ ...contents, big: someBytes(40 * limits.fileChunkBytes) });
  const early = read(spool.read(), frames.length);
  for (const frame of frames) await spool.take(frame);
  await spool.flushed();
  assert.deepEqual(await early, frames);
  assert.deepEqual(await read(spool.read(), frames.length), frames);
  assert.equal(spool.isWhole, true);
  const reader = spool.read();
  await read(reader, frames.length);
  const later = read(reader, 1);
  const problem = senderFrame({ case: 'problem', value: { path: 'big', error: 'gone', entry: 500 } });
  await spool.take(problem);
  assert.deepEqual(await later, [problem]);
  assert.equal(spool.isTakenBack(500), true);
});

test('ManifestSpool gives frames that are longer than a block, and stops waiting when asked to', async (t) => {
  await using spool = (await open(t)).spool;
  const large = { path: 'a', kind: FileKind.REGULAR, size: BigInt(8_192 * limits.fileChunkBytes) };
  const digests = { digests: Array.from({ length: 8_192 }, () => someBytes(32)) };
  const frames = [
    senderFrame({ case: 'entry', value: large }),
    senderFrame({ case: 'digests', value: digests }),
  ];
  for (const frame of frames) await spool.take(frame);
  const reader = spool.read();
  assert.deepEqual(await read(reader, 2), frames);
  const abort = new AbortController();
  const waiting = assert.rejects(reader.next(abort.signal), { name: 'AbortError' });
  abort.abort();
  await waiting;
});

test('ManifestSpool knows the digest of each chunk, and of none that is not', async (t) => {
  await using spool = (await open(t)).spool;
  const contents = { a: someBytes(2 * limits.fileChunkBytes), b: someBytes(3), c: someBytes(1 << 20) };
  const tree = testTree(contents);
  for (const frame of tree.frames.slice(0, -1)) await spool.take(frame);
  const holes = { path: 'd', kind: FileKind.REGULAR, size: BigInt(limits.fileChunkBytes) };
  await spool.take(senderFrame({ case: 'entry', value: holes }));
  await spool.take(senderFrame({ case: 'digests', value: { digests: [new Uint8Array()] } }));
  await spool.flushed();
  for (const [entry, index] of [
    [0, 0],
    [0, 1],
    [2, 0],
    [2, 1],
  ] as const) {
    const wanted = tree.chunk({ entry, index }).ref?.digest;
    assert.deepEqual([...((await spool.findDigest(entry, index)) ?? [])], [...(wanted ?? [])]);
  }
  assert.equal((await spool.findDigest(3, 0))?.length, 0);
  for (const [entry, index] of [
    [0, 2],
    [1, 0],
    [2, 2],
    [3, 1],
    [4, 0],
    [2 ** 32 - 1, 0],
  ] as const) {
    assert.equal(await spool.findDigest(entry, index), undefined, `${entry}/${index}`);
  }
});

test('ManifestSpool refuses what makes no sense, and what has no room', async (t) => {
  const room = roomOf(10_000);
  const { spool } = await open(t, room);
  await assert.rejects(spool.take(senderFrame({ case: 'digests', value: { digests: [someBytes(32)] } })), {
    reason: 'INVALID',
    message: 'the manifest makes no sense: 1 digests where 0 chunks are left',
  });
  const value = { path: 'a', kind: FileKind.REGULAR, size: 9_000n, content: someBytes(9_000) };
  await spool.take(senderFrame({ case: 'entry', value }));
  await assert.rejects(spool.take(senderFrame({ case: 'entry', value: { ...value, path: 'b' } })), {
    reason: 'LIMIT',
  });
  await spool[Symbol.asyncDispose]();
  assert.equal(room.bytes, 0);
});
