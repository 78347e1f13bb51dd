import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { OpenLog } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogSource, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { LogRequest } from './dispatch.ts';
import { DispatchFixture, withTask } from './testing/dispatch-fixture.ts';

const { STDOUT, STDERR, UNSPECIFIED } = LogSource;
const never = new AbortController().signal;

const whole: LogRequest = {
  attempt: 1,
  source: UNSPECIFIED,
  stdoutOffset: 0n,
  stderrOffset: 0n,
  tailLines: 0,
  follow: false,
};

/** Begins to read; the iterator's first step is under way. */
function read(fixture: DispatchFixture, task: Task, request: Partial<LogRequest> = {}, abort = never) {
  const chunks = fixture.dispatch.readLog(task, { ...whole, ...request }, abort)[Symbol.asyncIterator]();
  return { chunks, first: chunks.next() };
}

function text(result: IteratorResult<LogChunk>): string | undefined {
  return result.done ? undefined : Buffer.from(result.value.data).toString();
}

test('readLog() gives what the node pushes, under the names that the controller knows, and takes its end', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const { chunks, first } = read(fixture, task, { stdoutOffset: 5n, follow: true });
  const order = await agent.next('openLog');
  assert.deepEqual(
    [order.taskId, order.attempt, order.stdoutOffset, order.stderrOffset, order.follow],
    [task.id, 1, 5n, 0n, true],
  );
  const push = agent.push(order.streamId);
  push.chunk({ taskId: 'another', node: 'another', source: STDOUT, offset: 5n, data: Buffer.from('out') });
  const { value } = await first;
  assert.deepEqual([value?.taskId, value?.node, value?.offset], [task.id, 'n1', 5n]);
  push.chunk({ source: STDERR, offset: 0n, data: Buffer.from('err') });
  push.chunk({ source: STDOUT, offset: 20n, goneBytes: 12n, data: Buffer.from('late') });
  push.end();
  assert.equal(text(await chunks.next()), 'err');
  assert.equal(text(await chunks.next()), 'late');
  assert.equal((await chunks.next()).done, true);
  assert.equal(await push.status, '0');
});

test('readLog() rejects with what the node refuses, and when it is not connected', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const { first } = read(fixture, task);
  const { streamId } = await agent.next('openLog');
  agent.send({ case: 'result', value: { commandId: streamId, error: 'there is no such log' } });
  await assert.rejects(first, { name: 'NodeRefusedError', message: 'there is no such log' });
  const cut = read(fixture, task);
  await agent.next('openLog');
  const refused = assert.rejects(cut.first, { name: 'NodeRefusedError', message: /connection/ });
  await agent[Symbol.asyncDispose]();
  await refused;
  await assert.rejects(read(fixture, task).first, { message: 'the node is not connected' });
});

test('readLog() resumes at the byte where the link was cut, without gap or repeat', async () => {
  await using place = await withTask();
  const { fixture, task } = place;
  let { agent } = place;
  const output = Buffer.from('abcdefghijklmnopqrstuvwxyz');
  const got: Buffer[] = [];
  const { chunks, first } = read(fixture, task, { follow: true });
  let next = first;
  for (let cut = 0; cut < 5; cut++) {
    const order: OpenLog = await agent.next('openLog');
    const push = agent.push(order.streamId);
    const from = Number(order.stdoutOffset);
    push.chunk({ source: STDOUT, offset: BigInt(from), data: output.subarray(from, from + 3) });
    push.chunk({ source: STDOUT, offset: BigInt(from + 3), data: output.subarray(from + 3, from + 4) });
    for (let i = 0; i < 2; i++) {
      const { value } = await next;
      got.push(Buffer.from(value?.data ?? []));
      next = chunks.next();
    }
    await agent[Symbol.asyncDispose]();
    agent = await fixture.join('n1', { tasks: [task.id] });
  }
  const order = await agent.next('openLog');
  assert.equal(order.stdoutOffset, 20n);
  const push = agent.push(order.streamId);
  push.chunk({ source: STDOUT, offset: 20n, data: output.subarray(20) });
  push.end();
  got.push(Buffer.from((await next).value?.data ?? []));
  assert.equal((await chunks.next()).done, true);
  assert.equal(Buffer.concat(got).toString(), output.toString());
});

test('readLog() refuses chunks that do not join on or were not asked for', async () => {
  const cases = [
    { source: STDOUT, offset: 3n, data: Buffer.from('x') },
    { source: STDERR, offset: 0n, data: Buffer.from('x') },
    { source: STDOUT, offset: 0n, attempt: 2, data: Buffer.from('x') },
    { source: STDOUT, offset: 0n },
    { source: STDOUT, offset: 5n, skippedBytes: 5n, data: Buffer.from('x') },
    { source: STDOUT, offset: 5n, goneBytes: 6n, data: Buffer.from('x') },
    { source: STDOUT, offset: 0n, writtenAt: { seconds: 1n << 40n }, data: Buffer.from('x') },
    { source: STDOUT, offset: 0n, writtenAt: { seconds: -1n }, data: Buffer.from('x') },
    { caughtUp: true },
    { source: UNSPECIFIED, offset: 0n },
    { source: STDOUT, offset: 0n, data: Buffer.alloc(limits.logChunkBytesMax + 1) },
    { source: STDOUT, offset: 0n, data: Buffer.alloc(2 * limits.logChunkBytesMax) },
  ];
  await using place = await withTask();
  const { fixture, agent, task } = place;
  for (const chunk of cases) {
    const { first } = read(fixture, task, { source: STDOUT });
    const push = agent.push((await agent.next('openLog')).streamId);
    push.chunk(chunk);
    await assert.rejects(first, { name: 'NodeRefusedError', message: /^the node sent nonsense: / });
    await push.status;
  }
});

test('readLog() gives times and where it has caught up only to who asked, and refuses what else that chunk says', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const writtenAt = timestampFromMs(1_700_000_000_123);
  const data = Buffer.from('x');
  for (const times of [false, true]) {
    const since = timestampFromMs(1);
    const { chunks, first } = read(fixture, task, { times, since });
    const order = await agent.next('openLog');
    assert.deepEqual([order.times, order.since], [times, since]);
    const push = agent.push(order.streamId);
    push.chunk({ source: STDOUT, offset: 4n, skippedBytes: 4n, writtenAt, data });
    const { value } = await first;
    assert.deepEqual(value?.writtenAt, times ? writtenAt : undefined);
    assert.equal(value?.skippedBytes, 4n);
    if (times) {
      push.chunk({ caughtUp: true });
      assert.equal((await chunks.next()).value?.caughtUp, true);
      push.chunk({ caughtUp: true, data });
    } else push.chunk({ caughtUp: true });
    await assert.rejects(chunks.next(), { message: /^the node sent nonsense: that it has caught up, with/ });
    await push.status;
  }
});

test('readLog() fails when the node breaks the stream off', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const { chunks, first } = read(fixture, task, { follow: true });
  const push = agent.push((await agent.next('openLog')).streamId);
  push.chunk({ source: STDOUT, offset: 0n, data: Buffer.from('x') });
  await first;
  // Not close(8): that ends the stream in good order before it resets it.
  push.stream.destroy(new Error('the log is gone'));
  await assert.rejects(chunks.next(), { name: 'NodeRefusedError', message: 'the node broke off the log' });
});

test('readLog() resets the stream when its reader stops or aborts', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const { chunks, first } = read(fixture, task, { follow: true });
  const push = agent.push((await agent.next('openLog')).streamId);
  push.chunk({ source: STDOUT, offset: 0n, data: Buffer.from('x') });
  await first;
  await chunks.return?.();
  assert.equal(await push.status, undefined);
  assert.equal(push.stream.rstCode, 8);

  const abort = new AbortController();
  const waiting = read(fixture, task, { follow: true }, abort.signal);
  const second = agent.push((await agent.next('openLog')).streamId);
  second.chunk({ source: STDOUT, offset: 0n, data: Buffer.from('x') });
  await waiting.first;
  const step = waiting.chunks.next();
  abort.abort(new Error('enough'));
  await assert.rejects(step, { message: 'enough' });
  assert.equal(await second.status, undefined);
});

test('readLog() waits for its node, and stops waiting when aborted', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const [task] = await fixture.record(['n1']);
  assert.ok(task);
  const abort = new AbortController();
  const { first } = read(fixture, task, { follow: true }, abort.signal);
  abort.abort(new Error('enough'));
  await assert.rejects(first, { message: 'enough' });
});

test('a stream that nobody waits for is refused', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  assert.equal(await agent.push(77n).status, '5');
  const abort = new AbortController();
  const { first } = read(fixture, task, {}, abort.signal);
  const { streamId } = await agent.next('openLog');
  abort.abort(new Error('enough'));
  await assert.rejects(first, { message: 'enough' });
  assert.equal(await agent.push(streamId).status, '5');
});

test('a reader that stops reading holds back its node, and only its own stream', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const { chunks, first } = read(fixture, task, { follow: true });
  const push = agent.push((await agent.next('openLog')).streamId);
  const data = Buffer.alloc(limits.logChunkBytesMax);
  let offset = 0n;
  const write = () => {
    push.chunk({ source: STDOUT, offset, data });
    offset += BigInt(data.length);
  };
  write();
  await first;
  for (let i = 0; i < 256; i++) write();
  const usage = fixture.dispatch.usage('n1', never);
  const { commandId } = await agent.next('askUsage');
  agent.send({ case: 'result', value: { commandId, usage: {} } });
  await usage;
  // 16 MiB were offered and nobody reads: what has left the agent is the stream's window and little more.
  const left = Number(offset) - push.stream.writableLength;
  assert.ok(left < 1 << 20, `${left} bytes have left`);
  push.end();
  let read1 = data.length;
  for (let step = await chunks.next(); !step.done; step = await chunks.next())
    read1 += step.value.data.length;
  assert.equal(read1, Number(offset));
});
