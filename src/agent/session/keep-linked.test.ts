import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { FakeWorkload } from '#agent/testing/fake-workload.ts';
import { Inbox } from '#agent/testing/inbox.ts';
import { LinkPeer } from '#agent/testing/link-peer.ts';
import { type MemoryLog, memoryLog } from '#agent/testing/memory-log.ts';
import { makeTestPki } from '#agent/testing/test-pki.ts';
import { type Clock, FakeClock, systemClock } from '#base/clock.ts';
import type { HostPort } from '#base/host-port.ts';
import { AckSchema, GoodbyeSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { HostFactsSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import { keepLinked } from './keep-linked.ts';

const pki = await makeTestPki();
const stranger = await makeTestPki();
const server = await pki.issueServer();
const node = await pki.issueNode('node1');

interface Linked {
  readonly workload: FakeWorkload;
  readonly lines: MemoryLog['lines'];
  /** One for each try to connect. */
  readonly tries: Inbox<boolean>;
  readonly ended: Promise<string | undefined>;
  readonly stop: AbortController;
}

function link(address: HostPort, clock: Clock = systemClock, identity = node): Linked {
  const workload = new FakeWorkload();
  const { log, lines } = memoryLog();
  const tries = new Inbox<boolean>();
  const stop = new AbortController();
  const ended = keepLinked(
    {
      address,
      credentials: async () => ({ ...identity, root: pki.root }),
      workload,
      clock,
      log,
      version: '1.2.3',
      random: () => 0,
      readFacts: async () => {
        tries.put(true);
        return create(HostFactsSchema);
      },
      onWelcome: () => {},
    },
    stop.signal,
  );
  return { workload, lines, tries, ended, stop };
}

async function stopped({ stop, ended }: Linked): Promise<void> {
  stop.abort();
  assert.equal(await ended, undefined);
}

test('keepLinked() connects again, and sends again what was not acknowledged', async () => {
  await using peer = await LinkPeer.listen(server, pki.root);
  const linked = link(peer.address);
  for (const task of ['a', 'b', 'c']) linked.workload.emit(task);
  const first = await peer.sessions.next();
  await first.expect('hello');
  first.welcome();
  for (let i = 0; i < 3; i++) await first.expect('event');
  first.say({ case: 'ack', value: create(AckSchema, { event: 1n }) });
  first.stream.end();

  const second = await peer.sessions.next();
  assert.equal((await second.expect('hello')).lastEvent, 3n);
  second.welcome(1n);
  assert.equal((await second.expect('event')).sequence, 2n);
  assert.equal((await second.expect('event')).sequence, 3n);
  assert.equal(await linked.lines.next(), 'no session: the controller closed the session');
  await stopped(linked);
  await second.closed;
});

test('keepLinked() ends for good at a final Goodbye', async () => {
  await using peer = await LinkPeer.listen(server, pki.root);
  const linked = link(peer.address);
  const session = await peer.sessions.next();
  session.say({
    case: 'goodbye',
    value: create(GoodbyeSchema, { reason: 'node1 was removed', final: true }),
  });
  assert.equal(await linked.ended, 'node1 was removed');
});

test('keepLinked() waits as long as Goodbye says', async () => {
  await using peer = await LinkPeer.listen(server, pki.root);
  const clock = new FakeClock();
  const linked = link(peer.address, clock);
  const session = await peer.sessions.next();
  session.say({ case: 'goodbye', value: create(GoodbyeSchema, { reason: 'restarting', retryAfterMs: 700 }) });
  assert.equal(await linked.lines.next(), 'no session: restarting');
  await clock.advance(699);
  assert.equal(peer.sessions.waiting, 0);
  await clock.advance(1);
  await peer.sessions.next();
  await stopped(linked);
});

test('keepLinked() says once that nobody listens, and goes on', async () => {
  const unused = createServer().listen(0, '127.0.0.1');
  await once(unused, 'listening');
  const { port } = unused.address() as AddressInfo;
  await new Promise((resolve) => unused.close(resolve));
  const linked = link({ host: '127.0.0.1', port });
  assert.equal(
    await linked.lines.next(),
    `no session: cannot reach the controller at 127.0.0.1:${port}: connection refused`,
  );
  for (let i = 0; i < 5; i++) await linked.tries.next();
  assert.equal(linked.lines.waiting, 0);
  await stopped(linked);
});

test('keepLinked() does not trust a controller of another root, or one by another name', async () => {
  for (const [identity, code] of [
    [await stranger.issueServer(), 'CERT_SIGNATURE_FAILURE'],
    [await pki.issueServer('other.drover'), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const) {
    await using peer = await LinkPeer.listen(identity, pki.root);
    const linked = link(peer.address, new FakeClock());
    const line = await linked.lines.next();
    assert.ok(line.endsWith(`its certificate is not to be trusted (${code})`), line);
    assert.equal(peer.sessions.waiting, 0);
    await stopped(linked);
  }
});

test('keepLinked() does not trust a node that poses as the controller', async () => {
  await using peer = await LinkPeer.listen(node, pki.root);
  const linked = link(peer.address, new FakeClock());
  assert.match(await linked.lines.next(), /its certificate is not to be trusted \(INVALID_PURPOSE\)/);
  await stopped(linked);
});

test("keepLinked() says so when the controller does not take the node's certificate", async () => {
  await using peer = await LinkPeer.listen(server, pki.root);
  const linked = link(peer.address, new FakeClock(), await stranger.issueNode('node1'));
  assert.match(
    await linked.lines.next(),
    /does not take this node's certificate|closed while it was being made/,
  );
  assert.equal(peer.sessions.waiting, 0);
  await stopped(linked);
});

test('keepLinked() resolves when it is stopped while it connects', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  try {
    const connected = once(silent, 'connection');
    const linked = link({ host: '127.0.0.1', port: (silent.address() as AddressInfo).port });
    const [socket] = await connected;
    await stopped(linked);
    socket.destroy();
  } finally {
    silent.close();
  }
});

test('keepLinked() gives a controller that accepts and says nothing ten seconds', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const clock = new FakeClock();
  const connected = once(silent, 'connection');
  const linked = link({ host: '127.0.0.1', port: (silent.address() as AddressInfo).port }, clock);
  const [socket] = await connected;
  await clock.advance(10_000);
  assert.match(await linked.lines.next(), /cannot reach the controller at 127.0.0.1:\d+: no answer/);
  await stopped(linked);
  socket.destroy();
  silent.close();
});
