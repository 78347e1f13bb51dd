import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { limits } from '#protocol/limits.ts';
import { HandshakeQueue } from './handshake-queue.ts';

test('HandshakeQueue begins as many as may be under way, in the order in which they speak', async (t) => {
  const door = await Door.open(t);
  const clients = await door.connect(limits.linkHandshakesMax + 2);
  assert.equal(door.begun.length, 0);
  for (const client of clients) await door.speak(client);
  assert.deepEqual(door.begun, clients.slice(0, limits.linkHandshakesMax));
  door.queue.over(door.accepted(clients[5]));
  assert.deepEqual(door.begun.slice(limits.linkHandshakesMax), [clients.at(-2)]);
  // Twice is once.
  door.queue.over(door.accepted(clients[5]));
  assert.equal(door.begun.length, limits.linkHandshakesMax + 1);
  const gone = door.accepted(clients[6]);
  gone.destroy();
  await once(gone, 'close');
  assert.equal(door.begun.at(-1), clients.at(-1));
});

test('HandshakeQueue lets nobody hold up the others by being slow', async (t) => {
  const door = await Door.open(t);
  const clients = await door.connect(limits.linkHandshakesMax + 1);
  for (const client of clients) await door.speak(client);
  await door.clock.advance(500);
  assert.equal(door.begun.length, clients.length);
  assert.equal(door.accepted(clients[0]).destroyed, false);
});

test('HandshakeQueue closes who is silent', async (t) => {
  const door = await Door.open(t);
  const clients = await door.connect(2);
  const [silent, speaking] = clients;
  if (speaking) await door.speak(speaking);
  await door.clock.advance(limits.handshakeTimeoutMs);
  assert.equal(door.accepted(silent).destroyed, true);
  assert.equal(door.accepted(speaking).destroyed, false);
});

test('HandshakeQueue gives few places to an address that has failed often', async (t) => {
  const door = await Door.open(t);
  const clients = await door.connect(limits.suspectHandshakesMax + 2);
  for (let i = 0; i <= limits.failedHandshakesMax; i++)
    door.queue.failed({ remoteAddress: '127.0.0.1', remotePort: 1 });
  for (const client of clients) await door.speak(client);
  assert.deepEqual(door.begun, clients.slice(0, limits.suspectHandshakesMax));
  door.queue.over(door.accepted(clients[0]));
  assert.equal(door.begun.at(-1), clients[limits.suspectHandshakesMax]);
  await door.clock.advance(limits.failedHandshakesMs);
  assert.equal(door.begun.length, clients.length);
});

/** A listener whose connections wait in a queue. */
class Door {
  readonly clock = new FakeClock();
  /** The clients whose handshakes have begun, in order. */
  readonly begun: (Socket | undefined)[] = [];
  readonly queue: HandshakeQueue;
  /** Both ends of each connection. */
  readonly #ends: { readonly client: Socket; readonly accepted: Socket }[] = [];
  readonly #server = createServer({ pauseOnConnect: true });

  private constructor() {
    const begin = (socket: Socket) =>
      void this.begun.push(this.#ends.find(({ accepted }) => accepted === socket)?.client);
    this.queue = new HandshakeQueue({ clock: this.clock, begin });
  }

  static async open(t: TestContext): Promise<Door> {
    const door = new Door();
    door.#server.listen(0, '127.0.0.1');
    await once(door.#server, 'listening');
    t.after(async () => {
      for (const { client, accepted } of door.#ends) for (const end of [client, accepted]) end.destroy();
      door.#server.close();
      await once(door.#server, 'close');
    });
    return door;
  }

  /** So many clients, accepted. */
  async connect(count: number): Promise<Socket[]> {
    const clients: Socket[] = [];
    for (let i = 0; i < count; i++) {
      const accepted = once(this.#server, 'connection');
      const client = connect((this.#server.address() as AddressInfo).port, '127.0.0.1');
      client.on('error', () => {});
      await once(client, 'connect');
      const [socket] = (await accepted) as [Socket];
      this.#ends.push({ client, accepted: socket });
      this.queue.add(socket);
      clients.push(client);
    }
    return clients;
  }

  /** Has the client send something, and waits until it has come. */
  async speak(client: Socket): Promise<void> {
    const come = once(this.accepted(client), 'readable');
    client.write('hello');
    await come;
  }

  /** The other end of a client's connection. */
  accepted(client: Socket | undefined): Socket {
    const ends = this.#ends.find((each) => each.client === client);
    assert.ok(ends);
    return ends.accepted;
  }
}
