import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { limits } from '#protocol/limits.ts';
import { SwallowingProxy } from '#test/fixture/swallowing-proxy.ts';
import { until } from '#test/fixture/until.ts';
import { cutSilentSessions } from './cut-silent-sessions.ts';

test('cutSilentSessions() cuts who does not answer, and nobody who does', async () => {
  const clock = new FakeClock();
  const server = createServer();
  using _cutting = cutSilentSessions(server, clock);
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => void sessions.push(session));
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await using proxy = await SwallowingProxy.start(port);
  const clients = [connect(`http://127.0.0.1:${port}`), connect(`http://127.0.0.1:${proxy.port}`)];
  for (const client of clients) {
    client.on('error', () => {});
    const request = client.request({ ':path': '/' });
    request.on('error', () => {});
    await once(request, 'response');
  }
  const [there, gone] = sessions;
  assert.ok(there && gone);
  const heard = () => sessions.map((session) => (session.destroyed ? 0 : session.socket.bytesRead));

  for (let looks = 0; looks < 5; looks++) {
    const before = heard();
    await clock.advance(limits.apiPingIntervalMs);
    await until('both have answered', () => heard().every((bytes, i) => bytes > (before[i] ?? 0)));
  }
  proxy.swallow();
  // The last answer is heard at the first look.
  for (let elapsedMs = -limits.apiPingIntervalMs; elapsedMs < limits.apiSilenceMaxMs; ) {
    assert.equal(gone.destroyed, false);
    const before = there.socket.bytesRead;
    await clock.advance(limits.apiPingIntervalMs);
    elapsedMs += limits.apiPingIntervalMs;
    await until('the other has answered', () => there.socket.bytesRead > before);
  }
  assert.deepEqual([there.destroyed, gone.destroyed], [false, true]);

  for (const client of clients) client.destroy();
  await new Promise((resolve) => server.close(resolve));
});
