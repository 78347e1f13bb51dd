import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import { encodeFrame } from '#base/grpc-frames.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { limits } from '#protocol/limits.ts';
import { controllerServerName } from '#protocol/version.ts';
import { DispatchFixture } from './testing/dispatch-fixture.ts';
import { TestAgent, TestPush } from './testing/test-agent.ts';
import { TestAuthority, type TestIdentity } from './testing/test-certificates.ts';

test('LinkServer refuses what is no request of the link', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  const statusOf = (method: string, headers: Record<string, string>) =>
    new Promise<string>((resolve) => {
      agent.request(method, headers).on('response', (answer) => {
        resolve(`${answer[':status']} ${answer['grpc-status']}`);
      });
    });
  assert.equal(await statusOf('Nothing', {}), '404 12');
  assert.equal(await statusOf('Push', { 'content-type': 'application/json' }), '415 12');
  assert.equal(await statusOf('Push', { ':method': 'GET' }), '415 12');
  assert.equal(await statusOf('Push', {}), '200 5');
  assert.equal(await statusOf('Push', { 'drover-stream': '-1' }), '200 5');
  assert.equal(await statusOf('Session', {}), '200 9');
  await fixture.launch(['n1']);
  await agent.next('start');
});

test('LinkServer lets nobody in without a certificate of its own authority', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const forged = await (await TestAuthority.create()).node('n1');
  const { ca } = fixture.identity('n1');
  const cases: ConnectionOptions[] = [
    {},
    { cert: forged.cert, key: forged.key },
    { ...tlsOf(fixture.identity('n1')), maxVersion: 'TLSv1.2' },
    { ...tlsOf(fixture.identity('n1')), ALPNProtocols: ['http/1.1'] },
  ];
  for (const options of cases) {
    assert.equal(await isCut(fixture.dispatch.address, { ca, ALPNProtocols: ['h2'], ...options }), true);
  }
});

test('LinkServer refuses a certificate that names no node', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const http2 = connectHttp2(`https://${fixture.dispatch.address}`, {
    ...tlsOf(await fixture.authority.node('../n1')),
    servername: controllerServerName,
  });
  const push = new TestPush(
    http2.request({ ':method': 'POST', ':path': '/drover.v1.AgentLinkService/Session' }),
  );
  assert.equal(await push.status, '9');
  http2.destroy();
});

test('a session is cut at once when its agent misbehaves', async () => {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(limits.messageBytesMax + 1, 1);
  const cases: Record<string, (agent: TestAgent) => void> = {
    'too large': (agent) => agent.sendBytes(header),
    compressed: (agent) => agent.sendBytes(Buffer.from([1, 0, 0, 0, 0])),
    garbage: (agent) => agent.sendBytes(encodeFrame(Buffer.from([0xff, 0xff, 0xff]))),
    empty: (agent) => agent.sendBytes(encodeFrame(new Uint8Array())),
    'of the other direction': (agent) => agent.sendBytes(encodeFrame(Buffer.from([0x32, 0]))),
    'hello twice': (agent) => agent.hello(),
    'a result of nothing': (agent) => agent.send({ case: 'result', value: { commandId: 9n } }),
  };
  await using fixture = await DispatchFixture.start('n1');
  for (const [name, misbehave] of Object.entries(cases)) {
    const agent = await fixture.join('n1');
    misbehave(agent);
    await agent.closed;
    assert.ok(!agent.frames.some((frame) => frame.case === 'ack'), name);
  }
  const early = fixture.connect('n1');
  early.event(1, 'tttttttttt', {});
  await early.closed;
});

test('a connection that opens no session, or says no hello, is cut in time', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const silent = fixture.connect('n1');
  await new Promise((resolve) => silent.stream.once('response', resolve));
  const idle = connectHttp2(`https://${fixture.dispatch.address}`, {
    ...tlsOf(fixture.identity('n1')),
    servername: controllerServerName,
  });
  await new Promise((resolve) => idle.once('remoteSettings', resolve));
  const idleClosed = new Promise((resolve) => idle.once('close', resolve));
  for (let ms = 0; ms <= limits.headersTimeoutMs + 2_000; ms += 1_000) await fixture.clock.advance(1_000);
  await Promise.all([silent.closed, idleClosed]);
});

test('LinkServer closes although a peer is in the middle of its handshake', async () => {
  await using fixture = await DispatchFixture.start();
  const [host = '', port] = fixture.dispatch.address.split(':');
  const socket = connectTcp(Number(port), host);
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(Buffer.from([0x16, 3, 1]));
  await fixture.stopDispatch();
  await closed;
});

test('LinkServer closes although a peer takes nothing of what it was sent', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const [host = '', port] = fixture.dispatch.address.split(':');
  await using relay = createTcpServer((near) => {
    const far = connectTcp(Number(port), host).on('error', () => {});
    near
      .on('error', () => {})
      .pipe(far)
      .pipe(near);
    relay.once('blocked', () => far.unpipe(near).pause());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const address = `127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const agent = TestAgent.connect(address, fixture.identity('n1'));
  await once(agent.http2, 'connect');
  agent.http2.setLocalWindowSize(64 << 20);
  agent.http2.settings({ initialWindowSize: 64 << 20 });
  agent.hello();
  await agent.next('welcome');
  relay.emit('blocked');
  // More than the two ends of a connection keep for a reader that is slow.
  const long = { argv: ['echo', 'x'.repeat(512 << 10)] };
  for (let count = 0; count < 40; count++) await fixture.launch(['n1'], WhenUnreachable.WAIT, long);
  const stopped = fixture.stopDispatch();
  for (let count = 0; count < 10; count++) await fixture.clock.advance(1_000);
  await stopped;
  agent.http2.destroy();
});

test('LinkServer knows the peer of a resumed TLS session', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const [host = '', port] = fixture.dispatch.address.split(':');
  const options = {
    ...tlsOf(fixture.identity('n1')),
    host,
    port: Number(port),
    servername: controllerServerName,
    ALPNProtocols: ['h2'],
  };
  const first = connectTls(options);
  const ticket = await new Promise<Buffer>((resolve) => first.once('session', resolve));
  first.destroy();
  const http2 = connectHttp2(`https://${fixture.dispatch.address}`, { ...options, session: ticket });
  const reused = await new Promise((resolve) => {
    http2.once('connect', (_session, socket) =>
      resolve(socket instanceof TLSSocket && socket.isSessionReused()),
    );
  });
  assert.equal(reused, true);
  const push = new TestPush(
    http2.request({
      ':method': 'POST',
      ':path': '/drover.v1.AgentLinkService/Push',
      'content-type': 'application/grpc+proto',
    }),
  );
  assert.equal(await push.status, '5');
  http2.destroy();
});

function tlsOf({ ca, cert, key }: TestIdentity): ConnectionOptions {
  return { ca, cert, key };
}

/** Whether the server hangs up (a client of TLS 1.3 learns only then that its certificate was refused). */
function isCut(address: string, options: ConnectionOptions): Promise<boolean> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connectTls({ ...options, host, port: Number(port), servername: controllerServerName });
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => resolve(true));
  });
}
