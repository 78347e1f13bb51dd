/** What real tasks print, under the real supervisor: quotas, holes, slow readers, restarts of the agent. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { OpenLogSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogSource, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { decideLaunch, newTask, sh, TaskNode, untilOutput } from '#test/fixture/task-node.ts';
import type { TaskHost } from './task-host.ts';

const never = new AbortController().signal;
const logQuota = { streamBytesMax: 256 << 10, nodeBytesMax: limits.logNodeBytesMax };

/** What `seq` prints. */
function seq(from: number, to: number): Buffer {
  return Buffer.from(Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join(''));
}

function read(host: TaskHost, taskId: string, init: object = {}): AsyncIterator<LogChunk> {
  const order = create(OpenLogSchema, { taskId, source: LogSource.STDOUT, ...init });
  return host.readLog(order, never)[Symbol.asyncIterator]();
}

async function rest(chunks: AsyncIterator<LogChunk>): Promise<LogChunk[]> {
  const all: LogChunk[] = [];
  for (let step = await chunks.next(); !step.done; step = await chunks.next()) all.push(step.value);
  return all;
}

function hash(...parts: readonly Uint8Array[]): string {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest('hex');
}

async function untilSize(path: string, size: number): Promise<void> {
  while (((await stat(path).catch(() => undefined))?.size ?? 0) < size) {
    await new Promise((go) => setImmediate(go));
  }
}

/** Waits until the file takes no more of the disk than so many quotas let it. */
async function untilSmall(path: string, quotas = 1): Promise<void> {
  while ((await stat(path)).blocks * 512 > 1.125 * quotas * logQuota.streamBytesMax + 8_192) {
    await new Promise((go) => setImmediate(go));
  }
}

/** What the chunks hold is what was written where they say; the rest of it they say is gone. @returns the bytes that are gone. */
function assertTrue(chunks: readonly LogChunk[], written: Buffer): number {
  let next = 0;
  let gone = 0;
  for (const { offset, data, goneBytes } of chunks) {
    const begin = Number(offset);
    assert.equal(begin - Number(goneBytes), next);
    next = begin + data.length;
    gone += Number(goneBytes);
    assert.equal(hash(data), hash(written.subarray(begin, next)));
  }
  assert.equal(next, written.length);
  return gone;
}

/**
 * Holds a task up at `read line < <path>.N`, N from 1 on, until it is opened. A fifo each: one that is used again can meet who
 * is about to close it.
 */
function makeGate(node: TaskNode, count: number) {
  const path = join(node.directory, 'gate');
  for (let i = 1; i <= count; i++) execFileSync('mkfifo', [`${path}.${i}`]);
  let next = 1;
  return { path, open: () => writeFile(`${path}.${next++}`, 'go\n') };
}

test('a task that prints more than its quota keeps the newest of it, and the rest of the disk is given back', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open(decideLaunch, { logQuota });
  const task = newTask();
  const gate = makeGate(node, 5);
  host.start(sh(task, `for i in 1 2 3 4 5; do seq 1 100000; read line < ${gate.path}.$i; done`));
  const part = seq(1, 100_000);
  const stdout = join(node.directory, 'tasks', `${task}.1`, 'stdout');
  const chunks = await host.readLog(create(OpenLogSchema, { taskId: task, follow: true }), never);
  const follower = rest(chunks[Symbol.asyncIterator]());
  for (let round = 1; round <= 5; round++) {
    await untilSize(stdout, round * part.length);
    await untilSmall(stdout);
    await gate.open();
  }
  const ended = await node.until(task, TaskState.ENDED);
  assert.equal(ended.stdoutBytes, BigInt(5 * part.length));
  const written = Buffer.concat(Array.from({ length: 5 }, () => part));
  assert.equal(assertTrue(await follower, written), 0, 'who follows misses nothing');
  await host[Symbol.asyncDispose]();
  const again = await node.open();
  const gone = assertTrue(await rest(read(again, task)), written);
  assert.ok(gone >= written.length - 1.125 * logQuota.streamBytesMax - 4_096, `${gone} gone`);
});

test('a reader that stalls while its task goes on is told how much it missed', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open(decideLaunch, { logQuota });
  const task = newTask();
  const gate = makeGate(node, 1);
  host.start(sh(task, `seq 1 30000; read line < ${gate.path}.1; seq 30001 800000`));
  await untilOutput(host, task, '\n30000\n');
  const readers = [false, true].map((times) => read(host, task, { follow: true, times }));
  const firsts = await Promise.all(readers.map((chunks) => chunks.next()));
  await gate.open();
  await node.until(task, TaskState.ENDED);
  // So much is kept for whoever follows.
  await untilSmall(join(node.directory, 'tasks', `${task}.1`, 'stdout'), 8);
  for (const [i, chunks] of readers.entries()) {
    const all = [firsts[i]?.value, ...(await rest(chunks))].filter((chunk) => !chunk.caughtUp);
    const gone = assertTrue(all, seq(1, 800_000));
    assert.ok(gone > 1_000_000, `${gone} gone`);
  }
});

test('what a task prints while its agent is away is read whole, and was written when the agent came back at the latest', async (t) => {
  const node = await TaskNode.make(t);
  const first = await node.open();
  const task = newTask();
  const gate = makeGate(node, 3);
  const wait = (i: number) => `read line < ${gate.path}.${i}`;
  first.start(sh(task, `echo one; ${wait(1)}; echo two >&2; ${wait(2)}; echo three; ${wait(3)}`));
  await untilOutput(first, task, 'one\n');
  await node.close();
  const stderr = join(node.directory, 'tasks', `${task}.1`, 'stderr');
  const awayMs = Date.now();
  await gate.open();
  await untilSize(stderr, 4);
  const second = await node.open();
  const backMs = Date.now();
  await gate.open();
  await untilOutput(second, task, 'three\n');
  await gate.open();
  await node.until(task, TaskState.ENDED);
  const order = { source: LogSource.UNSPECIFIED, times: true };
  const chunks = (await rest(read(second, task, order))).filter(({ caughtUp }) => !caughtUp);
  const lines = chunks.map(({ data }) => Buffer.from(data).toString());
  assert.deepEqual(lines, ['one\n', 'two\n', 'three\n']);
  const [one = 0, two = 0, three = 0] = chunks.map(({ writtenAt }) =>
    writtenAt ? timestampMs(writtenAt) : 0,
  );
  // The kernel's time of a file may be a tick behind the clock.
  assert.ok(
    one <= awayMs && awayMs - 10 <= two && two <= backMs && backMs <= three,
    `${[one, awayMs, two, backMs, three]}`,
  );
});

test('standard output and standard error come in the order in which a task that pauses wrote them', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  const gate = makeGate(node, 12);
  const lines = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? `out${i}` : `err${i}`));
  const steps = lines.map(
    (line, i) => `echo ${line} ${i % 2 === 0 ? '' : '>&2'}; read line < ${gate.path}.${i + 1}`,
  );
  host.start(sh(task, steps.join('; ')));
  const chunks = read(host, task, { source: LogSource.UNSPECIFIED, times: true, follow: true });
  const seen: string[] = [];
  let lastMs = 0;
  for (let step = await chunks.next(); !step.done; step = await chunks.next()) {
    const { data, caughtUp, writtenAt } = step.value;
    if (caughtUp) continue;
    const timeMs = writtenAt ? timestampMs(writtenAt) : 0;
    assert.ok(timeMs >= lastMs && timeMs <= Date.now());
    lastMs = timeMs;
    seen.push(Buffer.from(data).toString().trimEnd());
    await gate.open();
  }
  assert.deepEqual(seen, lines);
  const again = await rest(read(host, task, { source: LogSource.UNSPECIFIED, times: true }));
  assert.deepEqual(
    again.filter((chunk) => !chunk.caughtUp).map(({ data }) => Buffer.from(data).toString().trimEnd()),
    lines,
  );
});
