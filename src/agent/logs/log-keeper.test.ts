import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, open, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { memoryLog } from '#agent/testing/memory-log.ts';
import { FakeClock } from '#base/clock.ts';
import { OpenLogSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { readFloors } from './floor-file.ts';
import { hotPollMs } from './growth-watch.ts';
import { LogKeeper, type LogKeeperOptions } from './log-keeper.ts';
import { readLog } from './log-reader.ts';

const never = new AbortController().signal;
const taskId = 'taskaaaaaa';

async function temporary(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'drover-logs-'));
  t.after(() => rm(root, { recursive: true }));
  return root;
}

/** Opens keepers over one root, one after the other; all are closed when the test ends. */
async function place(t: TestContext, options: Partial<LogKeeperOptions> = {}) {
  const root = await temporary(t);
  const clock = new FakeClock();
  const { log, lines } = memoryLog();
  const open = async (isOver = (_id: string) => true) => {
    const quota = { streamBytesMax: limits.logStreamBytesMax, nodeBytesMax: limits.logNodeBytesMax };
    const punch = async () => {};
    const keeper = await LogKeeper.open({ root, quota, punch, clock, log, ...options }, isOver);
    t.after(() => keeper[Symbol.asyncDispose]());
    return keeper;
  };
  return { root, clock, lines, open };
}

async function read(keeper: LogKeeper, clock: FakeClock, attempt = 1, init = {}): Promise<LogChunk[]> {
  const order = create(OpenLogSchema, { taskId, attempt, ...init });
  const origin = await keeper.originOf(`${taskId}.${attempt}`, attempt);
  const chunks: LogChunk[] = [];
  for await (const chunk of readLog(order, origin, clock, never)) chunks.push(chunk);
  return chunks;
}

/** Lets what is under way go on. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function hashOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** As the supervisor does it, where the filesystem does: what is punched reads as zeros. */
async function punchFile(root: string, id: string, stream: 1 | 2, end: bigint): Promise<void> {
  await using file = await open(join(root, id, stream === 1 ? 'stdout' : 'stderr'), 'r+');
  await file.write(Buffer.alloc(Number(end)), 0, Number(end), 0);
}

test('LogKeeper keeps the output of the latest ended attempts, up to a number', async (t) => {
  const { root, clock, open } = await place(t);
  const keeper = await open();
  for (let i = 1; i <= limits.agentLogDirectoriesMax + 2; i++) {
    await keeper.begin(`${taskId}.${i}`, never);
    await keeper.end(`${taskId}.${i}`);
  }
  await keeper.begin('taskbbbbbb.1', never);
  await clock.advance(1_000);
  await keeper[Symbol.asyncDispose]();
  assert.equal((await readdir(root)).length, limits.agentLogDirectoriesMax + 1);
  assert.equal(await keeper.findAttempt(taskId, 0), limits.agentLogDirectoriesMax + 2);
  assert.equal(await keeper.findAttempt(taskId, 2), undefined);
  assert.equal(await keeper.findAttempt(taskId, 3), 3);
  assert.equal(await keeper.findAttempt('taskcccccc', 0), undefined);
});

test('LogKeeper removes the oldest ended attempts above the quota of the node, and none that is not over', async (t) => {
  const streamBytesMax = 1 << 20;
  const { root, clock, open } = await place(t, { quota: { streamBytesMax, nodeBytesMax: 400_000 } });
  const first = await open();
  for (let i = 1; i <= 4; i++) {
    await first.begin(`${taskId}.${i}`, never);
    await writeFile(join(root, `${taskId}.${i}`, 'stdout'), 'x'.repeat(150_000));
    if (i > 1) await first.end(`${taskId}.${i}`);
  }
  await clock.advance(hotPollMs);
  await clock.advance(1_000);
  await first[Symbol.asyncDispose]();
  assert.deepEqual((await readdir(root)).sort(), [`${taskId}.1`, `${taskId}.4`]);
  // The next agent finds out for itself, before anything has ended.
  await writeFile(join(root, `${taskId}.4`, 'stderr'), 'x'.repeat(150_000));
  const second = await open((id) => id !== `${taskId}.1`);
  await second.begin(`${taskId}.1`, never);
  await clock.advance(1_000);
  await second[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(root), [`${taskId}.1`]);
});

test('LogKeeper gives old bytes back above the quota of a stream, and says so before they go', async (t) => {
  const quota = { streamBytesMax: 64 << 10, nodeBytesMax: limits.logNodeBytesMax };
  const punched: number[] = [];
  const { root, clock, open } = await place(t, {
    quota,
    punch: async (id, stream, end) => {
      const floors = await readFloors(join(root, id, 'floor'));
      assert.equal(floors.stdout, Number(end));
      assert.equal(Number(end) % 4_096, 0);
      punched.push(Number(end));
      await punchFile(root, id, stream, end);
    },
  });
  const keeper = await open();
  const id = `${taskId}.1`;
  await keeper.begin(id, never);
  const written: Buffer[] = [];
  for (let i = 0; i < 100; i++) {
    const line = Buffer.alloc(5_000, (i % 250) + 1);
    written.push(line);
    await appendFile(join(root, id, 'stdout'), line);
    const { length } = punched;
    await clock.advance(hotPollMs);
    const kept = 5_000 * written.length - (punched.at(-1) ?? 0);
    while (kept > quota.streamBytesMax * 1.125 && punched.length === length) await nextTurn();
  }
  await keeper.end(id);
  assert.ok(punched.length > 10 && punched.length < 60, `${punched.length} holes`);
  const chunks = await read(keeper, clock);
  const [first] = chunks;
  const gone = Number(first?.goneBytes);
  assert.equal(gone, punched.at(-1));
  assert.ok(500_000 - gone <= quota.streamBytesMax * 1.125 + 4_096);
  assert.equal(hashOf(chunks.map(({ data }) => data)), hashOf([Buffer.concat(written).subarray(gone)]));
});

test('LogKeeper gives back at the end what was written since the last look', async (t) => {
  const quota = { streamBytesMax: 64 << 10, nodeBytesMax: limits.logNodeBytesMax };
  const ends: bigint[] = [];
  const punch = async (_id: string, _stream: number, end: bigint) => void ends.push(end);
  const { root, open } = await place(t, { quota, punch });
  const keeper = await open();
  await keeper.begin(`${taskId}.1`, never);
  await writeFile(join(root, `${taskId}.1`, 'stderr'), Buffer.alloc(200_000, 1));
  await keeper.end(`${taskId}.1`);
  assert.deepEqual(ends, [131_072n]);
});

test('LogKeeper leaves files whole on a filesystem without holes, and says so once', async (t) => {
  const quota = { streamBytesMax: 64 << 10, nodeBytesMax: limits.logNodeBytesMax };
  const unsupported = Object.assign(new Error('refused'), { errno: constants.errno.EOPNOTSUPP });
  const punch = () => Promise.reject(unsupported);
  const { root, clock, open, lines } = await place(t, { quota, punch });
  const keeper = await open();
  for (const i of [1, 2]) {
    await keeper.begin(`${taskId}.${i}`, never);
    await writeFile(join(root, `${taskId}.${i}`, 'stdout'), Buffer.alloc(200_000, i));
    await keeper.end(`${taskId}.${i}`);
    const chunks = await read(keeper, clock, i);
    assert.equal(hashOf(chunks.map(({ data }) => data)), hashOf([Buffer.alloc(200_000, i)]));
    assert.equal(chunks[0]?.goneBytes, 0n);
  }
  assert.match(await lines.next(), /knows no holes/);
  assert.equal(lines.waiting, 0);
});

test('LogKeeper tries again to give back what could not be', async (t) => {
  const quota = { streamBytesMax: 64 << 10, nodeBytesMax: limits.logNodeBytesMax };
  let tries = 0;
  const punch = async () => {
    if (++tries === 1) throw new Error('the supervisor cannot be reached');
  };
  const { root, clock, open } = await place(t, { quota, punch });
  const keeper = await open();
  const path = join(root, `${taskId}.1`, 'stdout');
  await keeper.begin(`${taskId}.1`, never);
  await writeFile(path, Buffer.alloc(200_000, 1));
  await keeper.end(`${taskId}.1`);
  assert.equal(tries, 1);
  await keeper.begin(`${taskId}.1`, never);
  await clock.advance(1_000);
  await keeper.end(`${taskId}.1`);
  assert.equal(tries, 2);
});

test('LogKeeper goes on where an earlier agent stopped, and knows when the files were last written', async (t) => {
  const { root, clock, open } = await place(t);
  const id = `${taskId}.1`;
  const first = await open();
  await first.begin(id, never);
  const stdout = join(root, id, 'stdout');
  await writeFile(stdout, 'seen\n');
  const seenMs = clock.wallMs() + hotPollMs;
  await clock.advance(hotPollMs);
  await first[Symbol.asyncDispose]();
  await appendFile(stdout, 'unseen\n');
  const unseenMs = clock.wallMs() + 5_000;
  await utimes(stdout, unseenMs / 1_000, unseenMs / 1_000);
  await clock.advance(60_000);
  const second = await open((other) => other !== id);
  await second.begin(id, never);
  const chunks = await read(second, clock, 1, { times: true });
  const times = chunks.map(({ data, writtenAt }) => [
    Buffer.from(data).toString(),
    writtenAt && timestampMs(writtenAt),
  ]);
  assert.deepEqual(times, [
    ['seen\n', seenMs],
    ['unseen\n', unseenMs],
    ['', undefined],
  ]);
  const since = await read(second, clock, 1, { since: timestampFromMs(seenMs + 1) });
  assert.deepEqual(
    since.map(({ offset, skippedBytes }) => [offset, skippedBytes]),
    [[5n, 5n]],
  );
});

test('LogKeeper captures and reads what it cannot note the times of', async (t) => {
  const { root, clock, open, lines } = await place(t);
  const id = `${taskId}.1`;
  const keeper = await open();
  await keeper.begin(id, never);
  await mkdir(join(root, id, 'times'));
  for (const [i, text] of ['one', 'two', 'three'].entries()) {
    await appendFile(join(root, id, i === 1 ? 'stderr' : 'stdout'), text);
    await clock.advance(1_000);
  }
  assert.match(await lines.next(), /times of output cannot be written/);
  const chunks = await read(keeper, clock, 1, { times: true });
  const texts = chunks.map(({ data }) => Buffer.from(data).toString());
  assert.deepEqual(texts, ['one', 'two', 'three', '']);
  await keeper.end(id);
  const [last] = (await read(keeper, clock, 1, { source: LogSource.STDOUT })).slice(-1);
  assert.equal(Buffer.from(last?.data ?? []).toString(), 'onethree');
  assert.equal(lines.waiting, 0);
});

test('LogKeeper.begin() of an attempt that is over meanwhile keeps nothing', async (t) => {
  const { root, clock, open } = await place(t);
  const keeper = await open();
  const over = new AbortController();
  const beginning = keeper.begin(`${taskId}.1`, over.signal);
  over.abort();
  await keeper.end(`${taskId}.1`);
  await beginning;
  await writeFile(join(root, `${taskId}.1`, 'stdout'), 'text');
  const origin = await keeper.originOf(`${taskId}.1`, 1);
  assert.equal(origin.over.aborted, true);
  assert.equal(origin.log.sizes.stdout, 4);
  await clock.advance(1_000);
});
