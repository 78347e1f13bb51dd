/** What pages of other sites try in the browser of somebody who is logged in, and how secrets are compared. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '#base/installation.ts';
import { ApiFixture } from '#controller/api/testing/api-fixture.ts';

const path = '/drover.v1.NodeService/ListNodes';

function send(api: ApiFixture, headers: Readonly<Record<string, string>>, method = 'POST'): Promise<number> {
  return new Promise((resolve, reject) => {
    const authorization = `Bearer ${api.adminToken}`;
    const request = httpsRequest({
      host: '127.0.0.1',
      port: api.server.port,
      ca: api.parts.authority.rootPem,
      path,
      method,
      headers: { 'content-type': 'application/json', authorization, ...headers },
      agent: false,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve(101);
    });
    request.end(method === 'POST' ? '{}' : undefined);
  });
}

test('a page of another origin is refused, also with a good token; its own and programs are not', async () => {
  await using api = await ApiFixture.start();
  const own = `https://127.0.0.1:${api.server.port}`;
  const cases: readonly (readonly [Readonly<Record<string, string>>, number])[] = [
    [{}, 200],
    [{ origin: own }, 200],
    [{ origin: own, 'sec-fetch-site': 'same-origin' }, 200],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: own.replace('https:', 'http:') }, 403],
    [{ origin: `${own}.evil.example` }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: own, 'sec-fetch-site': 'cross-site' }, 403],
  ];
  for (const [headers, status] of cases) {
    assert.equal(await send(api, headers), status, JSON.stringify(headers));
  }
});

test('nothing is upgraded to a WebSocket, from no origin', async () => {
  await using api = await ApiFixture.start();
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  for (const origin of ['https://evil.example', `https://127.0.0.1:${api.server.port}`]) {
    assert.equal(await send(api, { ...upgrade, origin }, 'GET'), 403);
  }
});

test('hashes of secrets are compared in one place, in constant time; everything else looks them up by their hash', () => {
  const programs = globSync('src/**/*.ts', { cwd: installationRoot }).filter(
    (file) => !file.endsWith('.test.ts'),
  );
  const withText = (pattern: RegExp) =>
    programs.filter((file) => pattern.test(readFileSync(join(installationRoot, file), 'utf8')));
  assert.deepEqual(withText(/timingSafeEqual\(/), ['src/controller/auth/secrets.ts']);
  assert.deepEqual(withText(/(?:secretHash|hashSecret\([^)]*\))\s*[!=]==?|[!=]==?\s*\w*\.?secretHash/), []);
});
