import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { answerFrame } from '#agent/files/file-answer.ts';
import { FakeWorkload } from '#agent/testing/fake-workload.ts';
import type { ControllerSays } from '#agent/testing/link-peer.ts';
import { withOpenSession } from '#agent/testing/open-session.ts';
import {
  AskUsageSchema,
  type FilesDown,
  type FilesUp,
  OpenFilesSchema,
} from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';

const askUsage: ControllerSays = { case: 'askUsage', value: create(AskUsageSchema, { commandId: 99n }) };

function openFiles(streamId: bigint): ControllerSays {
  return { case: 'openFiles', value: create(OpenFilesSchema, { streamId, operator: 'ann' }) };
}

const done = (count: bigint) => answerFrame({ case: 'done', value: count });
const data = (bytes: Uint8Array) => answerFrame({ case: 'data', value: bytes });

/** Says how many bytes each chunk had that came down. */
async function* sizes(frames: AsyncIterable<FilesDown>): AsyncGenerator<FilesUp> {
  for await (const { kind } of frames) {
    const chunk =
      kind.case === 'sender' && kind.value.kind.case === 'chunk' ? kind.value.kind.value : undefined;
    yield done(BigInt(chunk?.data.length ?? 0));
  }
}

function chunk(bytes: number) {
  const value = { ref: { entry: 1, index: 2, digest: new Uint8Array(32) }, data: new Uint8Array(bytes) };
  return { case: 'sender', value: { kind: { case: 'chunk', value } } } as const;
}

test('LinkSession carries out an order about files on a request of its own, in both directions', async () => {
  await withOpenSession(async ({ session, workload, peer }) => {
    workload.files = async function* (order, frames) {
      assert.equal(order.operator, 'ann');
      yield data(Buffer.from('first'));
      yield* sizes(frames);
    };
    session.say(openFiles(5n));
    const files = await peer.files.next();
    assert.equal(files.streamId, '5');
    const first = await files.next();
    assert.deepEqual(first, { case: 'answer', value: data(Buffer.from('first')).kind.value });
    files.say(chunk(limits.fileChunkBytes));
    assert.deepEqual(await files.next(), done(BigInt(limits.fileChunkBytes)).kind);
    files.stream.end();
    assert.equal(await files.next(), 'end');
    session.say(askUsage);
    assert.equal((await session.expect('result')).commandId, 99n);
  });
});

test('LinkSession answers with an error, denied where it is the policy’s, and opens nothing', async () => {
  await withOpenSession(async ({ session, workload, peer, clock }) => {
    session.say(openFiles(6n));
    const refused = await session.expect('result');
    assert.deepEqual(
      [refused.commandId, refused.error, refused.denied],
      [6n, 'the policy allows no files', true],
    );
    assert.equal(peer.files.waiting, 0);
    workload.files = (_order, frames) => sizes(frames);
    session.say(openFiles(7n));
    session.say(askUsage);
    await session.expect('result');
    await clock.advance(100);
    const files = await peer.files.next();
    files.stream.write(Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]));
    const broken = await session.expect('result');
    assert.match(broken.error, /sent something about files that cannot be decoded/);
    assert.equal(broken.denied, false);
    assert.equal(await files.next(), 'reset');
  });
});

test('LinkSession is held up by a controller that takes no files, and takes none ahead of the workload', async () => {
  await withOpenSession(async ({ session, workload, peer, clock }) => {
    let sent = 0;
    workload.files = async function* () {
      for (; sent < 1_000; sent += 1) yield data(new Uint8Array(limits.logChunkBytesMax));
    };
    session.say(openFiles(8n));
    const files = await peer.files.next();
    await settle(() => sent, session);
    assert.ok(sent < 50, `${sent} chunks were sent ahead`);
    for (let taken = 0; taken < 1_000; taken += 1) assert.notEqual(await files.next(), 'end');
    assert.equal(await files.next(), 'end');
    const start = Promise.withResolvers<void>();
    workload.files = async function* (_order, frames) {
      await start.promise;
      yield* sizes(frames);
    };
    session.say(openFiles(9n));
    session.say(askUsage);
    await session.expect('result');
    await clock.advance(100);
    const down = await peer.files.next();
    let said = 1;
    while (down.say(chunk(limits.fileChunkBytes)) && said < 100) said += 1;
    assert.ok(said <= 8, `${said} chunks were taken ahead`);
    start.resolve();
    for (; said > 0; said -= 1) assert.deepEqual(await down.next(), done(BigInt(limits.fileChunkBytes)).kind);
    down.stream.end();
    assert.equal(await down.next(), 'end');
  });

  /** Waits until the number no longer grows while commands go to and fro. */
  async function settle(
    count: () => number,
    session: { say(kind: ControllerSays): void; expect(kind: 'result'): unknown },
  ) {
    for (let before = -1; before !== count(); ) {
      before = count();
      for (let i = 0; i < 20; i += 1) {
        session.say(askUsage);
        await session.expect('result');
      }
    }
  }
});

test('LinkSession ends an order when the controller resets it, and when it ends itself', async () => {
  const workload = new FakeWorkload();
  const over = Promise.withResolvers<void>();
  await withOpenSession(async ({ session, peer }) => {
    let aborted = Promise.withResolvers<void>();
    workload.files = async function* (_order, _frames, abort) {
      yield done(0n);
      await new Promise((resolve) => abort.addEventListener('abort', resolve, { once: true }));
      aborted.resolve();
    };
    session.say(openFiles(9n));
    const files = await peer.files.next();
    await files.next();
    files.stream.close(8);
    await aborted.promise;
    session.say(askUsage);
    assert.equal((await session.expect('result')).commandId, 99n, 'a reset is no failure');
    aborted = over;
    session.say(openFiles(10n));
    await peer.files.next();
  }, workload);
  await over.promise;
});

test('LinkSession carries out so many orders about files and refuses the next', async () => {
  await withOpenSession(async ({ session, workload, peer }) => {
    workload.files = async function* (_order, _frames, abort) {
      yield done(0n);
      await new Promise((resolve) => abort.addEventListener('abort', resolve, { once: true }));
    };
    for (let at = 0; at < limits.sessionFileStreamsMax; at += 1) {
      session.say(openFiles(BigInt(at)));
      await peer.files.next();
    }
    session.say(openFiles(500n));
    const refused = await session.expect('result');
    assert.equal(refused.error, 'this node already carries out 64 orders about files');
    assert.equal(refused.denied, false);
  });
});
