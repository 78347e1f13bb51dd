import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from '#test/fixture/until.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** A connection through a proxy to a server that sends everything back, and what came. */
async function start(t: TestContext) {
  const far: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    far.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  const dial = async () => {
    const socket = connect(proxy.address);
    await once(socket, 'connect');
    let came = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      came += text;
    });
    const ended = new Promise<string>((resolve) => {
      socket.once('end', () => resolve('end'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    t.after(() => socket.destroy());
    return { socket, ended, came: () => came };
  };
  t.after(async () => {
    await proxy[Symbol.asyncDispose]();
    server.close();
  });
  return { proxy, dial, far };
}

test('TcpProxy passes bytes and ends in both directions', async (t) => {
  const { proxy, dial } = await start(t);
  const { socket, ended, came } = await dial();
  const sent = 'x'.repeat(1 << 20);
  socket.end(sent);
  assert.equal(await ended, 'end');
  assert.equal(came(), sent);
  assert.deepEqual([proxy.up.passed, proxy.down.passed], [1 << 20, 1 << 20]);
  assert.equal(proxy.dialled, 1);
});

test('TcpProxy holds bytes until they may pass, and loses them for ever', async (t) => {
  const { proxy, dial } = await start(t);
  const { socket, came } = await dial();
  proxy.up.flow = 'hold';
  socket.write('held');
  await until('nothing comes', () => socket.bytesWritten === 4);
  assert.equal(came(), '');
  proxy.up.flow = 'pass';
  await until('it comes', () => came() === 'held');
  proxy.down.flow = 'lose';
  socket.write('lost');
  await until('it is lost', () => proxy.down.lost === 4);
  proxy.down.flow = 'pass';
  socket.write('again');
  await until('the rest comes', () => came() === 'heldagain');
});

test('TcpProxy does not tell of an end while it loses what goes that way', async (t) => {
  const { proxy, dial, far } = await start(t);
  const { socket } = await dial();
  await until('it is there', () => far.length === 1);
  proxy.up.flow = 'lose';
  proxy.down.flow = 'lose';
  socket.destroy();
  const other = await dial();
  other.socket.write('x');
  await until('the other is heard', () => proxy.up.lost === 1);
  assert.equal(far[0]?.destroyed, false);
});

test('TcpProxy strands the connections that there are, and no other', async (t) => {
  const { proxy, dial } = await start(t);
  const [old, { up }] = [await dial(), proxy];
  proxy.strand();
  old.socket.write('lost');
  const { socket, came } = await dial();
  socket.write('new');
  await until('the new one works', () => came() === 'new');
  await until('the old one does not', () => up.lost === 4);
  assert.equal(old.came(), '');
});

test('TcpProxy slows down, delays, cuts and refuses', async (t) => {
  const { proxy, dial } = await start(t);
  const { socket, came, ended } = await dial();
  proxy.up.bytesPerSecond = 1_000_000;
  proxy.down.delayMs = 50;
  const beganMs = performance.now();
  socket.write('x'.repeat(100_000));
  await until('all came', () => came().length === 100_000);
  assert.ok(performance.now() - beganMs >= 145);
  assert.equal(proxy.cut(), 1);
  assert.match(await ended, /^(end|ECONNRESET)$/);
  await proxy.refuse();
  await assert.rejects(dial(), { code: 'ECONNREFUSED' });
  await proxy.accept();
  await dial();
});
