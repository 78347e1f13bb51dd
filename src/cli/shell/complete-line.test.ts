import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectRouter } from '@connectrpc/connect';
import { makeTask, startFakeApi } from '#cli/testing/fake-api.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { NodeService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { candidatesMax, createCompleter, present } from './complete-line.ts';

const nodes = ['db1', 'web1', 'web2'].map((name) => ({ name, labels: { role: name.slice(0, -1) } }));

function cluster(router: ConnectRouter): void {
  router.service(NodeService, {
    listNodes: ({ nodes: set }) => ({
      nodes: nodes.filter(({ name }) => name.startsWith(set.replace('*', ''))),
    }),
  });
  router.service(TaskService, { listTasks: () => ({ tasks: [makeTask('kaaaaaaaaa', 'web1')] }) });
}

for (const [line, typed, ...candidates] of [
  ['no', 'no', 'nodes '],
  ['  in', 'in', 'inspect '],
  ['s', 's', 'sKill', 'skill', 'stop'],
  ['nodes w', 'w', 'web1', 'web2'],
  ['list w', 'w', 'web1', 'web2'],
  ['@w', '@w', '@web1', '@web2'],
  ['@db', '@db', '@db1 '],
  ['@rol', '@rol', '@role', '@role=db', '@role=web'],
  ['@web1,d', '@web1,d', '@web1,db1 '],
  ['+w', '+w', '+web1', '+web2'],
  ['-@a', '-@a', '-@all '],
  ['@$f', '@$f', '@$failed '],
  ['run -w web1!$o', 'web1!$o', 'web1!$ok '],
  ['execute --nodes=d', '--nodes=d', '--nodes=db1 '],
  ['execute --det', '--det'],
  ['sKill k', 'k', 'kaaaaaaaaa '],
  ["kill 'k", "'k", 'kaaaaaaaaa '],
  ['ps -o js', 'js', 'json', 'jsonl'],
  ['ls w', 'w'],
  ['run -w web1 -- l', 'l'],
  ['run --env-file /et', '/et'],
  ['!ls /e', '/e'],
] as const) {
  test(`createCompleter() at ${JSON.stringify(line)}`, async () => {
    await using api = await startFakeApi(cluster);
    using made = createTestContext({ access: api.access });
    const complete = createCompleter(made.context);
    assert.deepEqual(await complete(line, new AbortController().signal), { typed, candidates });
  });
}

test('createCompleter() has nothing where the cluster is not to be had, or does not answer in time', async () => {
  using away = createTestContext();
  const { signal } = new AbortController();
  assert.deepEqual(await createCompleter(away.context)('nodes w', signal), { typed: 'w', candidates: [] });
  const answer = Promise.withResolvers<Record<string, never>>();
  await using api = await startFakeApi((router) => {
    router.service(NodeService, { listNodes: () => answer.promise });
  });
  using made = createTestContext({ access: api.access });
  const waiting = createCompleter(made.context)('nodes w', AbortSignal.timeout(50));
  assert.deepEqual(await waiting, { typed: 'w', candidates: [] });
  answer.resolve({});
});

test('present() quotes, and does not list without end', () => {
  assert.deepEqual(present('a', 'a', ['a b']), { typed: 'a', candidates: ['a\\ b '] });
  assert.deepEqual(present('"a', 'a', ['a b']), { typed: '"a', candidates: ["'a b' "] });
  const many = Array.from({ length: candidatesMax + 5 }, (_, i) => `node${i}`);
  assert.deepEqual(present('n', 'n', many).candidates, ['node']);
  const listed = present('node', 'node', many).candidates;
  assert.deepEqual([listed.length, listed.at(-1)], [candidatesMax + 1, 'node… and 5 more']);
});
