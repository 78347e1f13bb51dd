import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { FakeWorkload } from '#agent/testing/fake-workload.ts';
import type { ControllerSays } from '#agent/testing/link-peer.ts';
import { withOpenSession, withSession } from '#agent/testing/open-session.ts';
import {
  AckSchema,
  AskSamplesSchema,
  AskUsageSchema,
  GoodbyeSchema,
  HeartbeatSchema,
  type InputFrame,
  OpenInputSchema,
  OpenLogSchema,
  SignalSchema,
  StartSchema,
  StopSchema,
  WelcomeSchema,
} from '#protocol/gen/drover/v1/link_pb.ts';
import { Cause, type LogChunk, LogChunkSchema } from '#protocol/gen/drover/v1/task_pb.ts';

const askUsage: ControllerSays = { case: 'askUsage', value: create(AskUsageSchema, { commandId: 99n }) };

test('LinkSession ends although its connection does not', async () => {
  await withSession(async ({ agent, clock, session, link }) => {
    // As HTTP/2 does that waits for a write to a peer which is gone.
    link.connection.destroy = () => {};
    agent.close('enough');
    await clock.advance(1_000);
    assert.equal((await agent.ended).reason, 'enough');
    await session.closed;
  });
});

test('LinkSession says Hello with what the journal holds, and nothing else before Welcome', async () => {
  const workload = new FakeWorkload();
  workload.emit('task-a');
  workload.emit('task-b');
  await withSession(async ({ session }) => {
    const hello = await session.expect('hello');
    assert.equal(session.headers['content-type'], 'application/grpc+proto');
    assert.equal(session.headers[':path'], '/drover.v1.AgentLinkService/Session');
    assert.equal(hello.protocol, 1);
    assert.equal(hello.version, '1.2.3');
    assert.equal(hello.journalId, 'journal-1');
    assert.equal(hello.lastEvent, 2n);
    assert.deepEqual(hello.tasks, ['task-a', 'task-b']);
    assert.equal(hello.facts?.hostname, 'host1');
    assert.equal(session.frames.waiting, 0);
    session.welcome(1n);
    assert.equal((await session.expect('event')).sequence, 2n, 'what was acknowledged is not sent again');
    assert.equal(workload.acknowledged, 1n);
  }, workload);
});

test('LinkSession tells the facts of the host again as often as Welcome says, and never where it says nothing', async () => {
  const heartbeatIntervalMs = 1_000_000;
  await withSession(async ({ session, clock }) => {
    await session.expect('hello');
    const value = create(WelcomeSchema, { protocol: 1, heartbeatIntervalMs, factsIntervalMs: 60_000 });
    session.say({ case: 'welcome', value });
    session.say(askUsage);
    await session.expect('result');
    for (const afterMs of [30_000, 60_000]) {
      await clock.advance(afterMs);
      assert.equal((await session.expect('facts')).hostname, 'host2');
    }
  });
  await withSession(async ({ session, clock }) => {
    await session.expect('hello');
    session.say({ case: 'welcome', value: create(WelcomeSchema, { protocol: 1, heartbeatIntervalMs }) });
    session.say(askUsage);
    await session.expect('result');
    await clock.advance(900_000);
    session.say(askUsage);
    await session.expect('result');
  });
});

test('LinkSession tells the facts when they have changed, once it was let in', async () => {
  await withSession(async ({ session, factsChanged }) => {
    await session.expect('hello');
    factsChanged.dispatchEvent(new Event('change'));
    session.welcome();
    session.say(askUsage);
    await session.expect('result');
    factsChanged.dispatchEvent(new Event('change'));
    assert.equal((await session.expect('facts')).hostname, 'host2');
  });
});

test('LinkSession sends events as they come, in order, and passes acknowledgements on', async () => {
  await withOpenSession(async ({ session, workload }) => {
    session.say(askUsage);
    await session.expect('result');
    for (let i = 0; i < 100; i++) workload.emit(`task-${i}`);
    for (let i = 1n; i <= 100n; i++) assert.equal((await session.expect('event')).sequence, i);
    session.say({ case: 'ack', value: create(AckSchema, { event: 60n }) });
    session.say(askUsage);
    await session.expect('result');
    assert.equal(workload.acknowledged, 60n);
  });
});

test('LinkSession sends a backlog far over its buffer without holding it', async () => {
  const workload = new FakeWorkload();
  const count = 3_000;
  for (let i = 0; i < count; i++) workload.emit('x'.repeat(4_000));
  await withOpenSession(async ({ session }) => {
    for (let i = 1; i <= count; i++) {
      const event = await session.expect('event');
      assert.equal(event.sequence, BigInt(i));
    }
    assert.equal(workload.listeners, 1);
  }, workload);
  assert.equal(workload.listeners, 0, 'a session that is over listens no more');
});

test('LinkSession carries orders out and answers each once', async () => {
  await withOpenSession(async ({ session, workload }) => {
    const start = create(StartSchema, { taskId: 'task-a', attempt: 1 });
    session.say({ case: 'start', value: start });
    session.say({
      case: 'signal',
      value: create(SignalSchema, { commandId: 1n, taskId: 't', signal: 'SIGINT' }),
    });
    const signaled = await session.expect('result');
    assert.deepEqual([signaled.commandId, signaled.pid, signaled.error], [1n, 4711, '']);
    assert.deepEqual(workload.started, [start]);

    session.say({ case: 'signal', value: create(SignalSchema, { commandId: 2n, taskId: 'missing' }) });
    assert.equal((await session.expect('result')).error, 'there is no such task');

    session.say({ case: 'signal', value: create(SignalSchema, { commandId: 3n, signal: 'SIGSEGV' }) });
    assert.equal((await session.expect('result')).error, 'the agent failed: a bug');

    const cause = Cause.OPERATOR;
    session.say({
      case: 'stop',
      value: create(StopSchema, { commandId: 4n, taskId: 't', graceMs: 7n, cause }),
    });
    assert.equal((await session.expect('result')).commandId, 4n);
    assert.deepEqual(workload.stopped, [{ taskId: 't', graceMs: 7, cause }]);

    session.say(askUsage);
    assert.equal((await session.expect('result')).usage?.userUs, 5n);

    const asked = create(AskSamplesSchema, { commandId: 5n, taskIds: ['t', 'u'] });
    session.say({ case: 'askSamples', value: asked });
    const { commandId, samples } = await session.expect('result');
    assert.deepEqual([commandId, samples.map((sample) => sample.taskId)], [5n, ['t', 'u']]);
  });
});

test('LinkSession sends heartbeats that answer those of the controller', async () => {
  await withOpenSession(async ({ session, clock }) => {
    session.say({ case: 'heartbeat', value: create(HeartbeatSchema, { sequence: 41n }) });
    session.say(askUsage);
    await session.expect('result');
    await clock.advance(1_000);
    const first = await session.expect('heartbeat');
    assert.deepEqual([first.sequence, first.answers], [1n, 41n]);
    await clock.advance(1_000);
    assert.equal((await session.expect('heartbeat')).sequence, 2n);
  });
});

test('LinkSession drops a controller that is silent for 2.5 intervals', async () => {
  await withOpenSession(async ({ session, clock, agent }) => {
    session.say(askUsage);
    await session.expect('result');
    await clock.advance(2_499);
    session.say(askUsage);
    while ((await session.frames.next()).case !== 'result');
    await clock.advance(2_499);
    assert.equal(session.stream.closed, false, 'any frame is a sign of life');
    await clock.advance(1);
    assert.deepEqual(await agent.ended, {
      reason: 'nothing came from the controller for 2.5 s',
      welcomed: true,
    });
  });
});

test('LinkSession gives up on a controller that never welcomes it', async () => {
  await withSession(async ({ session, clock, agent }) => {
    await session.expect('hello');
    await clock.advance(10_000);
    assert.deepEqual(await agent.ended, { reason: 'no welcome came within 10 s', welcomed: false });
    await session.closed;
  });
});

test('LinkSession hands on what Goodbye says', async () => {
  await withSession(async ({ session, agent }) => {
    const goodbye = create(GoodbyeSchema, { reason: 'node1 was removed', final: true });
    session.say({ case: 'goodbye', value: goodbye });
    assert.deepEqual(await agent.ended, { reason: 'node1 was removed', welcomed: false, goodbye });
  });
});

test('LinkSession notices when the controller closes its end or the connection', async () => {
  await withOpenSession(async ({ session, agent }) => {
    session.say(askUsage);
    await session.expect('result');
    session.stream.end();
    assert.equal((await agent.ended).reason, 'the controller closed the session');
  });
  await withSession(async ({ session, agent }) => {
    await session.expect('hello');
    session.stream.session?.destroy();
    assert.match((await agent.ended).reason, /closed the connection without a word/);
  });
});

const garbage: Record<string, [Buffer, RegExp]> = {
  'a compressed frame': [Buffer.from([1, 0, 0, 0, 0]), /frame has flags 1/],
  'a frame over 1 MiB': [Buffer.from([0, 0, 16, 0, 1]), /frame of 1048577 bytes is over the limit/],
  'no protobuf': [Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]), /a frame cannot be decoded/],
  'an empty frame': [Buffer.from([0, 0, 0, 0, 0]), /unknown frame came before welcome/],
};

for (const [name, [bytes, reason]] of Object.entries(garbage)) {
  test(`LinkSession closes on garbage: ${name}`, async () => {
    await withSession(async ({ session, agent }) => {
      session.stream.write(bytes);
      const end = await agent.ended;
      assert.match(end.reason, /^the controller broke the protocol: /);
      assert.match(end.reason, reason);
      await session.closed;
    });
  });
}

test('LinkSession closes on an order before Welcome and on a second Welcome', async () => {
  await withSession(async ({ session, agent, workload }) => {
    session.say({ case: 'start', value: create(StartSchema, { taskId: 'task-a' }) });
    assert.match((await agent.ended).reason, /start came before welcome/);
    assert.deepEqual(workload.started, []);
  });
  await withOpenSession(async ({ session, agent }) => {
    session.welcome();
    assert.match((await agent.ended).reason, /a second welcome came/);
  });
});

function openLog(streamId: bigint, taskId: string): ControllerSays {
  return { case: 'openLog', value: create(OpenLogSchema, { streamId, taskId }) };
}

const chunk = (offset: number, size: number) =>
  create(LogChunkSchema, { offset: BigInt(offset), data: new Uint8Array(size).fill(65) });

test('LinkSession pushes a log on a request of its own', async () => {
  await withOpenSession(async ({ session, workload, peer }) => {
    workload.logs.set('task-a', async function* () {
      yield chunk(0, 10);
      yield chunk(10, 65_536);
    });
    session.say(openLog(5n, 'task-a'));
    const push = await peer.pushes.next();
    assert.equal(push.streamId, '5');
    const chunks = await push.read();
    assert.deepEqual(
      chunks.map((c) => [Number(c.offset), c.data.length]),
      [
        [0, 10],
        [10, 65_536],
      ],
    );
  });
});

test('LinkSession answers with an error where there is no log, and opens no request', async () => {
  await withOpenSession(async ({ session, workload, peer }) => {
    workload.logs.set('late', async function* (): AsyncGenerator<LogChunk> {
      yield await Promise.reject(new Error('cannot be read'));
    });
    session.say(openLog(6n, 'missing'));
    const refused = await session.expect('result');
    assert.deepEqual([refused.commandId, refused.error], [6n, 'there is no such log']);
    session.say(openLog(7n, 'late'));
    assert.equal((await session.expect('result')).error, 'the agent failed: cannot be read');
    assert.equal(peer.pushes.waiting, 0);
  });
});

test('LinkSession pushes no faster than the controller reads, and still answers orders meanwhile', async () => {
  await withOpenSession(async ({ session, workload, peer }) => {
    let produced = 0;
    workload.logs.set('task-a', async function* () {
      for (; ; produced++) yield chunk(0, 65_536);
    });
    session.say(openLog(8n, 'task-a'));
    const push = await peer.pushes.next();
    for (let i = 0; i < 50; i++) {
      session.say(askUsage);
      await session.expect('result');
    }
    assert.ok(produced < 16, `${produced} chunks were read ahead`);
    push.stream.close();
  });
});

test('LinkSession stops reading a followed log when the controller resets it', async () => {
  await withOpenSession(async ({ session, workload, peer, clock }) => {
    const aborted = Promise.withResolvers<void>();
    workload.logs.set('task-a', async function* (_order, abort) {
      await new Promise((resolve) => abort.addEventListener('abort', resolve, { once: true }));
      aborted.resolve();
      yield* [];
    });
    session.say(openLog(9n, 'task-a'));
    session.say(askUsage);
    await session.expect('result');
    await clock.advance(100);
    const push = await peer.pushes.next();
    push.stream.close(8);
    await aborted.promise;
    session.say(askUsage);
    assert.equal((await session.expect('result')).commandId, 99n, 'a reset is no failure');
  });
});

test('LinkSession stops reading logs when it ends', async () => {
  const aborted = Promise.withResolvers<void>();
  await withOpenSession(async ({ session, workload, agent }) => {
    workload.logs.set('task-a', async function* (_order, abort) {
      await new Promise((resolve) => abort.addEventListener('abort', resolve, { once: true }));
      aborted.resolve();
      yield* [];
    });
    session.say(openLog(10n, 'task-a'));
    session.say(askUsage);
    await session.expect('result');
    agent.close('enough');
  });
  await aborted.promise;
});

function openInput(streamId: bigint, taskId: string): ControllerSays {
  return { case: 'openInput', value: create(OpenInputSchema, { streamId, taskId }) };
}

async function* lengths(frames: AsyncIterable<InputFrame>): AsyncGenerator<bigint> {
  let taken = 0n;
  yield taken;
  for await (const { kind } of frames) {
    if (kind.case === 'endAt') return;
    if (kind.case === 'data') taken += BigInt(kind.value.data.length);
    yield taken;
  }
}

test('LinkSession pulls input on a request of its own, to where the task takes no more', async () => {
  await withOpenSession(async ({ session, workload, peer }) => {
    workload.inputs.set('task-a', (_order, frames) => lengths(frames));
    session.say(openInput(5n, 'task-a'));
    const pull = await peer.pulls.next();
    assert.equal(pull.streamId, '5');
    assert.equal(await pull.takens.next(), 0n);
    pull.say({ case: 'data', value: { offset: 0n, data: new Uint8Array(65_536) } });
    assert.equal(await pull.takens.next(), 65_536n);
    pull.say({ case: 'endAt', value: 65_536n });
    assert.equal(await pull.takens.next(), 'end');
    pull.stream.end();
    session.say(askUsage);
    assert.equal((await session.expect('result')).commandId, 99n);
  });
});

test('LinkSession answers with an error where nothing takes input, before or after the request', async () => {
  await withOpenSession(async ({ session, workload, peer }) => {
    session.say(openInput(6n, 'missing'));
    const refused = await session.expect('result');
    assert.deepEqual([refused.commandId, refused.error], [6n, 'it takes no input']);
    assert.equal(peer.pulls.waiting, 0);
    workload.inputs.set('task-a', (_order, frames) => lengths(frames));
    session.say(openInput(7n, 'task-a'));
    const pull = await peer.pulls.next();
    assert.equal(await pull.takens.next(), 0n);
    pull.stream.write(Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]));
    assert.match((await session.expect('result')).error, /sent input that cannot be decoded/);
    assert.equal(await pull.takens.next(), 'reset');
  });
});

test('LinkSession takes input no faster than the task does, and lets it wait for its start', async () => {
  await withOpenSession(async ({ session, workload, peer, clock }) => {
    const start = Promise.withResolvers<void>();
    workload.inputs.set('task-a', async function* (_order, frames) {
      await start.promise;
      yield* lengths(frames);
    });
    session.say(openInput(8n, 'task-a'));
    session.say(askUsage);
    await session.expect('result');
    await clock.advance(100);
    const pull = await peer.pulls.next();
    let sent = 0;
    const data = new Uint8Array(65_536);
    while (pull.say({ case: 'data', value: { offset: BigInt(sent), data } }) && sent < 64 << 20) {
      sent += data.length;
      session.say(askUsage);
      await session.expect('result');
    }
    assert.ok(sent <= 1 << 20, `${sent} bytes were taken ahead`);
    start.resolve();
    while ((await pull.takens.next()) !== BigInt(sent + data.length));
    pull.stream.end();
    assert.equal(await pull.takens.next(), 'end');
  });
});

test('LinkSession lets go of input when the controller resets it, and when it ends', async () => {
  const workload = new FakeWorkload();
  const over = Promise.withResolvers<void>();
  await withOpenSession(async ({ session, peer }) => {
    let aborted = Promise.withResolvers<void>();
    workload.inputs.set('task-a', async function* (_order, _frames, abort) {
      yield 0n;
      await new Promise((resolve) => abort.addEventListener('abort', resolve, { once: true }));
      aborted.resolve();
    });
    session.say(openInput(9n, 'task-a'));
    const pull = await peer.pulls.next();
    await pull.takens.next();
    pull.stream.close(8);
    await aborted.promise;
    session.say(askUsage);
    assert.equal((await session.expect('result')).commandId, 99n, 'a reset is no failure');
    assert.equal(workload.links, 1);
    aborted = over;
    session.say(openInput(10n, 'task-a'));
    await peer.pulls.next();
  }, workload);
  await over.promise;
  assert.equal(workload.links, 0);
});
