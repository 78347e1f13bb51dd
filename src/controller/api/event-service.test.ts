import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectError, createClient } from '@connectrpc/connect';
import { newEvent } from '#controller/store/new-event.ts';
import type { EventRecord } from '#controller/store/store.ts';
import { JoinTokenService, RunService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import {
  type ClusterEvent,
  EventService,
  type FollowEventsResponse,
} from '#protocol/gen/drover/v1/event_pb.ts';
import { ApiFixture } from './testing/api-fixture.ts';
import { collect } from './testing/collect.ts';

const runId = '01979c5e-7d0c-7000-8000-000000000001';

const record = (api: ApiFixture, ...events: EventRecord[]) =>
  api.parts.store.transact((writer) => writer.insertEvents(events));

const brief = ({ sequence, kind, node, who }: ClusterEvent) =>
  [sequence, kind, node, who].filter((word) => word !== '').join(' ');

const briefly = ({ kind }: FollowEventsResponse) =>
  kind.case === 'event' ? brief(kind.value) : `position ${kind.value?.through} gone ${kind.value?.gone}`;

test('a launch, an order and a token are told with who asked, in the transaction of the audit', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1', 'web2');
  const runs = api.client(RunService);
  const { tasks } = await runs.createRun({ id: runId, nodes: 'web[1-2]', spec: { argv: ['sleep', '9'] } });
  await runs.createRun({ id: runId, nodes: 'web[1-2]', spec: { argv: ['sleep', '9'] } });
  const refs = tasks.map((task) => task.id);
  await api.client(TaskService).signalTasks({ query: { refs }, signal: 'HUP' });
  await api.client(TaskService).stopTasks({ query: { refs: refs.slice(1) } });
  const { recorded } = await api.client(JoinTokenService).createJoinToken({ names: 'db1' });
  await api.client(JoinTokenService).revokeJoinToken({ id: recorded?.id ?? '' });
  const { events, position } = await api.client(EventService).listEvents({});
  assert.deepEqual(events.map(brief), [
    '1 run.created admin',
    '2 task.signal web1 admin',
    '3 task.signal web2 admin',
    '4 task.stop web2 admin',
    '5 token.created admin',
    '6 token.revoked admin',
  ]);
  assert.deepEqual(events[0]?.data, { nodes: 'web[1-2]', tasks: '2', command: 'sleep 9' });
  assert.deepEqual([position?.through, position?.gone, position?.caughtUp], [6n, 0n, true]);
  const ofTask = await api.client(EventService).listEvents({ query: { refs: [refs[1] ?? ''] } });
  assert.deepEqual(ofTask.events.map(brief), ['3 task.signal web2 admin', '4 task.stop web2 admin']);
  const ofRun = await api
    .client(EventService)
    .listEvents({ query: { refs: [runId], kinds: ['run', 'task.stop'] } });
  assert.deepEqual(ofRun.events.map(brief), ['1 run.created admin', '4 task.stop web2 admin']);
});

test('listEvents() refuses a kind that there is not, a node that there is not and a number that was never given', async () => {
  await using api = await ApiFixture.start();
  const client = api.client(EventService);
  const refused = async (request: Parameters<typeof client.listEvents>[0], message: RegExp) =>
    assert.rejects(client.listEvents(request), (error: ConnectError) => message.test(error.rawMessage));
  await refused({ query: { kinds: ['task.endet'] } }, /^there is no kind of event "task.endet"$/);
  await refused({ query: { nodes: 'web7' } }, /^no such node: web7$/);
  await refused({ afterSequence: 7n }, /^there is no event 7: the latest is 0$/);
  await refused({ pageSize: 2_000 }, /^a page can have 1000 rows/);
});

test('followEvents() sends what there is, and what comes, to a reader that resumes too', async () => {
  await using api = await ApiFixture.start();
  const client = createClient(EventService, api.transport());
  await record(api, ...['a', 'b', 'c'].map((node) => newEvent(1, 'node.lost', { node })));
  assert.deepEqual((await collect(client.followEvents({ afterSequence: 1n }))).map(briefly), [
    'position 1 gone 0',
    '2 node.lost b',
    '3 node.lost c',
    'position 3 gone 0',
  ]);
  const seen: string[] = [];
  for await (const news of client.followEvents({ onlyNew: true, follow: true })) {
    seen.push(briefly(news));
    if (seen.length === 2) await record(api, newEvent(1, 'node.lost', { node: 'd' }));
    if (seen.length === 3)
      await record(api, newEvent(1, 'node.lost', { node: 'e' }), newEvent(1, 'node.lost', { node: 'f' }));
    if (seen.length === 5) break;
  }
  assert.deepEqual(seen, [
    'position 3 gone 0',
    'position 3 gone 0',
    '4 node.lost d',
    '5 node.lost e',
    '6 node.lost f',
  ]);
});

test('followEvents() says first how many events are gone', async () => {
  await using api = await ApiFixture.start();
  await record(api, ...Array.from({ length: 10 }, () => newEvent(1, 'node.lost')));
  await api.parts.store.transact((writer) => writer.pruneEvents({ keepMax: 2, beforeMs: 0, limit: 100 }));
  const client = api.client(EventService);
  const of = async (afterSequence: bigint) =>
    (await collect(client.followEvents({ afterSequence }))).map(briefly);
  assert.deepEqual(await of(3n), ['position 8 gone 5', '9 node.lost', '10 node.lost', 'position 10 gone 0']);
  assert.deepEqual((await of(0n))[0], 'position 0 gone 0');
});

test('followEvents() loses nothing that is recorded while it reads', async () => {
  await using api = await ApiFixture.start();
  const total = 3_000;
  const writing = (async () => {
    for (let n = 0; n < total; n += 3) {
      await record(api, newEvent(1, 'node.lost'), newEvent(2, 'node.lost'), newEvent(3, 'node.lost'));
    }
  })();
  const seen: bigint[] = [];
  for await (const { kind } of api.client(EventService).followEvents({ follow: true })) {
    if (kind.case === 'event') seen.push(kind.value.sequence);
    if (seen.length === total) break;
  }
  await writing;
  assert.deepEqual(
    seen,
    Array.from({ length: total }, (_, n) => BigInt(n + 1)),
  );
});
