/** What a stranger can call, and what is no way to show a token. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '#base/installation.ts';
import { apiServices } from '#controller/api/api-server.ts';
import { verbOf } from '#controller/api/method-verbs.ts';
import { ApiFixture } from '#controller/api/testing/api-fixture.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';

interface Sent {
  readonly path: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'OPTIONS';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function send(api: ApiFixture, { path, method = 'POST', headers = {}, body = '{}' }: Sent): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: '127.0.0.1',
      port: api.server.port,
      ca: api.parts.authority.rootPem,
      path,
      method,
      headers: { 'content-type': 'application/json', ...headers },
      agent: false,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.end(method === 'GET' ? undefined : body);
  });
}

/** What streams is refused in its last frame, and what streams both ways is no call of HTTP/1.1 at all. */
const refusedWith = {
  unary: 401,
  server_streaming: 200,
  client_streaming: 505,
  bidi_streaming: 505,
} as const;

/** The first column of the table in SECURITY.md. */
function documented(): string[] {
  const text = readFileSync(join(installationRoot, 'SECURITY.md'), 'utf8');
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, what = '']) => what).sort();
}

test('SECURITY.md lists what is answered without a token: nothing else is', async () => {
  await using api = await ApiFixture.start();
  const methods = apiServices.flatMap((service) => service.methods);
  const open = methods.filter((method) => verbOf(method) === Verb.ANYONE);
  const names = open.map(({ parent, name }) => `${parent.name}/${name}`);
  assert.deepEqual([...names, 'GET /healthz', 'GET /readyz'].sort(), documented());
  for (const method of methods) {
    if (open.includes(method)) continue;
    const type = method.methodKind === 'unary' ? 'application/json' : 'application/connect+json';
    const path = `/${method.parent.typeName}/${method.name}`;
    const status = await send(api, { path, headers: { 'content-type': type } });
    assert.equal(status, refusedWith[method.methodKind], path);
  }
  for (const path of [
    '/',
    '/metrics',
    '/drover.v1.NodeService/',
    '/drover.v1.NodeService/Nothing',
    '/..%2f',
  ]) {
    const status = await send(api, { path, method: 'GET' });
    assert.ok([401, 404].includes(status), `${path}: ${status}`);
  }
});

test('a token is taken from the authorization header, and from nowhere else', async () => {
  await using api = await ApiFixture.start();
  const path = '/drover.v1.NodeService/ListNodes';
  const token = api.adminToken;
  assert.equal(await send(api, { path, headers: { authorization: `Bearer ${token}` } }), 200);
  const elsewhere: readonly Sent[] = [
    { path: `${path}?token=${token}` },
    { path: `${path}?access_token=${token}&authorization=Bearer%20${token}` },
    { path, headers: { cookie: `token=${token}; authorization=Bearer ${token}` } },
    { path, headers: { authorization: `Basic ${Buffer.from(`admin:${token}`).toString('base64')}` } },
    { path, headers: { authorization: token } },
    { path, headers: { 'x-authorization': `Bearer ${token}`, 'proxy-authorization': `Bearer ${token}` } },
    { path, body: JSON.stringify({ token, nodes: token }) },
    { path: `${path}?connect=v1&encoding=json&message=%7B%7D&authorization=${token}`, method: 'GET' },
  ];
  for (const sent of elsewhere) {
    const status = await send(api, sent);
    assert.ok(status === 401 || status === 405, `${status}: ${JSON.stringify(Object.keys(sent))}`);
  }
});

test('a page of another site cannot call the API: it is told of no origin that may', async () => {
  await using api = await ApiFixture.start();
  const path = '/drover.v1.NodeService/ListNodes';
  const headers = {
    origin: 'https://evil.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  };
  assert.ok((await send(api, { path, method: 'OPTIONS', headers })) >= 400);
  // What a form can send without asking first is no call.
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const authorization = `Bearer ${api.adminToken}`;
    const status = await send(api, { path, headers: { authorization, 'content-type': type } });
    assert.equal(status, 415, type);
  }
});
