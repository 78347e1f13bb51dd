/** What happens to streams that are open when their user, token or role changes. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { RoleService, UserService, UserTokenService } from '#protocol/gen/drover/v1/access_pb.ts';
import { RunService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { EventService } from '#protocol/gen/drover/v1/event_pb.ts';
import { recheckMs } from './authorize-calls.ts';
import { ApiFixture } from './testing/api-fixture.ts';

const runId = '01979c5e-7d0c-7000-8000-000000000001';

async function start() {
  const api = await ApiFixture.start();
  await api.addNodes('web1', 'web2');
  await writeRole(api, 'web[1-2]');
  const token = await api.addUser('ada', 'web');
  await api.client(RunService).createRun({ id: runId, nodes: 'web[1-2]', spec: { argv: ['x'] } });
  return { api, token };
}

async function writeRole(api: ApiFixture, nodes: string): Promise<void> {
  const rules = [{ allow: ['node.read', 'task.read', 'logs.read'], nodes }];
  await api.client(RoleService).createRole({ role: { name: 'web', rules }, replace: true });
}

/** Both streams of a user, open. */
async function follow(api: ApiFixture, token: string) {
  const transport = api.transport(token);
  const tasks = createClient(TaskService, transport).followTasks({ query: { runId }, output: true });
  const events = createClient(EventService, transport).followEvents({ follow: true });
  const streams = [tasks[Symbol.asyncIterator](), events[Symbol.asyncIterator]()] as const;
  for (const stream of streams) assert.ok(!(await stream.next()).done);
  return streams;
}

/** The codes with which they end. */
async function codesOf(streams: readonly AsyncIterator<unknown>[]): Promise<(Code | undefined)[]> {
  const ends = streams.map(async (stream) => {
    try {
      while (!(await stream.next()).done);
      return undefined;
    } catch (error) {
      return ConnectError.from(error).code;
    }
  });
  return Promise.all(ends);
}

const changes: readonly [
  what: string,
  change: (api: ApiFixture, token: string) => Promise<unknown>,
  code: Code,
][] = [
  [
    'the user is disabled',
    (api) => api.client(UserService).changeUser({ name: 'ada', disabled: true }),
    Code.Unauthenticated,
  ],
  ['the user is removed', (api) => api.client(UserService).removeUser({ name: 'ada' }), Code.Unauthenticated],
  [
    'the token is revoked',
    (api, token) => api.client(UserTokenService).revokeUserToken({ id: token.split('.')[1] ?? '' }),
    Code.Unauthenticated,
  ],
  [
    'the role is taken away',
    (api) => api.client(UserService).changeUser({ name: 'ada', revoke: ['web'] }),
    Code.PermissionDenied,
  ],
  ['the role reaches one of the nodes no longer', (api) => writeRole(api, 'web2'), Code.PermissionDenied],
];

for (const [what, change, code] of changes) {
  it(`open streams end within 5 s when ${what}`, async () => {
    const { api, token } = await start();
    await using _ = api;
    const streams = await follow(api, token);
    await change(api, token);
    const ended = codesOf(streams);
    await api.parts.clock.advance(recheckMs);
    assert.deepEqual(await ended, [code, code]);
    assert.equal(api.parts.dispatch.listeners, 0);
  });
}

it('an open stream goes on when the role changes and still allows it', async () => {
  const { api, token } = await start();
  await using _ = api;
  const [tasks] = await follow(api, token);
  await writeRole(api, '@all');
  await api.parts.clock.advance(recheckMs);
  const next = tasks.next();
  assert.ok(!(await next).done);
});
