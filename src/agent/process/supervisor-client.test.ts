import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { FakeClock, systemClock } from '#base/clock.ts';
import { version } from '#base/installation.ts';
import { SupervisorClient, type SupervisorListener } from './supervisor-client.ts';
import { encodeMessage, SupervisorDecoder, type SupervisorMessage } from './supervisor-codec.ts';
import { SupervisorConnection } from './supervisor-connection.ts';
import { SupervisorGoneError, SupervisorRefusedError } from './supervisor-errors.ts';
import { supervisorErrors } from './supervisor-messages.ts';

const log = pino({ level: 'silent' });
const server = { version: 2, pid: 4, bootId: 'boot', startTicks: 1n, binaryVersion: version };

type Answer = (message: SupervisorMessage, socket: Socket) => void;

/** A supervisor that answers as it is told. @returns its state directory. */
async function fakeSupervisor(t: TestContext, answer: Answer): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-fake-'));
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    const decoder = new SupervisorDecoder();
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (const message of decoder.push(bytes)) answer(message, socket);
    });
  });
  listener.listen(join(directory, 'supervisor.sock'));
  await once(listener, 'listening');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    listener.close();
    await rm(directory, { recursive: true });
  });
  return directory;
}

/** Answers hello, and the rest by `next`. */
function polite(next: Answer): Answer {
  return (message, socket) => {
    if (message.name === 'hello') socket.write(encodeMessage('helloOk', message.tag, server));
    else next(message, socket);
  };
}

function clientOf(directory: string): SupervisorClient {
  const random = () => 0;
  return new SupervisorClient({ directory, binary: '/bin/false', clock: systemClock, log, random });
}

function listenerOf(heard: string[]): SupervisorListener {
  return {
    synchronize: (statuses) => void heard.push(`all ${statuses.map(({ id }) => id)}`),
    notice: ({ name, body }) => void heard.push(`${name} ${body.id}`),
  };
}

test('SupervisorConnection.open() fails where the supervisor speaks another version', async (t) => {
  const directory = await fakeSupervisor(t, ({ tag }, socket) => {
    const body = { code: supervisorErrors.version, errno: 0, message: 'version 1, not 2' };
    socket.write(encodeMessage('error', tag, body));
  });
  const opening = SupervisorConnection.open(directory, systemClock, () => {});
  await assert.rejects(opening, SupervisorRefusedError);
  await using client = clientOf(directory);
  await assert.rejects(client.connect(listenerOf([])), /version 1, not 2/);
});

test('SupervisorConnection.request() fails when the supervisor closes, or speaks nonsense', async (t) => {
  const nonsense: Answer[] = [
    (_, socket) => socket.destroy(),
    (_, socket) => socket.write(Buffer.from('nonsense, not a frame')),
    ({ tag }, socket) => socket.write(encodeMessage('ok', tag + 1, {})),
    ({ tag }, socket) => socket.write(encodeMessage('listEnd', tag, { count: 3 })),
  ];
  for (const answer of nonsense) {
    const directory = await fakeSupervisor(t, polite(answer));
    const { connection } = await SupervisorConnection.open(directory, systemClock, () => {});
    await assert.rejects(connection.request('ack', { id: 'a' }, 'ok'), SupervisorGoneError);
    assert.ok((await connection.closed) instanceof Error);
    await assert.rejects(connection.list(), SupervisorGoneError);
  }
});

test('SupervisorConnection.request() gives up on a supervisor that hangs', async (t) => {
  const clock = new FakeClock();
  const directory = await fakeSupervisor(
    t,
    polite(() => {}),
  );
  const { connection } = await SupervisorConnection.open(directory, clock, () => {});
  const asked = connection.request('usage', {}, 'usageOk');
  await Promise.all([assert.rejects(asked, SupervisorGoneError), clock.advance(10_000)]);
});

test('SupervisorClient hears all that there is before the notices that came meanwhile', async (t) => {
  const directory = await fakeSupervisor(
    t,
    polite(({ name, tag }, socket) => {
      if (name !== 'list') return;
      socket.write(encodeMessage('status', tag, { id: 'one' }));
      socket.write(encodeMessage('notStarted', 0, { id: 'one', step: 'fork', errno: 11 }));
      socket.write(encodeMessage('status', tag, { id: 'two' }));
      socket.write(encodeMessage('listEnd', tag, { count: 2 }));
    }),
  );
  const heard: string[] = [];
  await using client = clientOf(directory);
  await client.connect(listenerOf(heard));
  assert.deepEqual(heard, ['all one,two', 'notStarted one']);
});

test('SupervisorClient comes back after each break and hears all again', async (t) => {
  let lists = 0;
  const third = Promise.withResolvers<void>();
  const directory = await fakeSupervisor(
    t,
    polite(({ tag }, socket) => {
      socket.write(encodeMessage('listEnd', tag, { count: 0 }));
      if (++lists < 3) socket.end();
      else third.resolve();
    }),
  );
  const heard: string[] = [];
  await using client = clientOf(directory);
  await client.connect(listenerOf(heard));
  await third.promise;
  await client.list();
  assert.deepEqual(heard, ['all ', 'all ', 'all ']);
});

test('SupervisorClient.connect() asks a supervisor of another version once, and goes on with one that refuses', async (t) => {
  const asked: string[] = [];
  const third = Promise.withResolvers<void>();
  const directory = await fakeSupervisor(t, ({ name, tag, body }, socket) => {
    asked.push(name === 'upgrade' ? `upgrade ${body.path}` : name);
    if (name === 'hello') {
      socket.write(encodeMessage('helloOk', tag, { ...server, binaryVersion: '0.0.1' }));
    } else if (name === 'upgrade') {
      socket.write(encodeMessage('error', tag, { code: supervisorErrors.system, errno: 13, message: 'no' }));
    } else {
      socket.write(encodeMessage('listEnd', tag, { count: 0 }));
      if (asked.filter((one) => one === 'list').length === 2) third.resolve();
      else socket.end();
    }
  });
  await using client = clientOf(directory);
  await client.connect(listenerOf([]));
  await third.promise;
  assert.deepEqual(asked, ['hello', 'upgrade /bin/false', 'hello', 'list', 'hello', 'list']);
});

test('SupervisorClient.connect() says why no supervisor starts', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-fake-'));
  t.after(() => rm(directory, { recursive: true }));
  await using client = clientOf(directory);
  await assert.rejects(
    client.connect(listenerOf([])),
    /the supervisor \/bin\/false did not start: it ended with 1/,
  );
});

test('SupervisorConnection.open() outlives a supervisor that dies as it is connected to', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-fake-'));
  t.after(() => rm(directory, { recursive: true }));
  for (let i = 0; i < 20; i++) {
    const listener = createServer().listen(join(directory, 'supervisor.sock'));
    await once(listener, 'listening');
    const opening = SupervisorConnection.open(directory, systemClock, () => {});
    // The connection stands in the kernel's queue, and is reset there.
    listener.close();
    await assert.rejects(opening);
  }
});
