import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { limits } from '#protocol/limits.ts';
import { WideSessionManager } from './wide-session-manager.ts';

/** Of HTTP/2's own. */
const narrowBytes = 65_535;

test('WideSessionManager takes a window ahead of its reader, on each connection', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const manager = new WideSessionManager(url, {}, {});
  const size = limits.linkStreamWindowBytes;
  assert.ok(size > narrowBytes);
  for (let connection = 0; connection < 2; connection++) {
    const asked = once(server, 'stream') as Promise<[ServerHttp2Stream]>;
    const request = await manager.request('GET', '/', {}, {});
    request.on('error', () => {});
    const [stream] = await asked;
    stream.on('error', () => {});
    stream.respond();
    // Nobody reads it.
    stream.end(Buffer.alloc(size));
    await once(stream, 'finish');
    manager.abort();
  }
  server.close();
});
