import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, type ConnectError } from '@connectrpc/connect';
import {
  FileOutcome,
  FileService,
  type FileTargetSchema,
  type NodeFileAnswer,
} from '#protocol/gen/drover/v1/api_pb.ts';
import type { FileAnswerSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { ApiFixture } from './testing/api-fixture.ts';
import { collect } from './testing/collect.ts';
import type { FakeFiles } from './testing/fake-files.ts';

const { DONE, FAILED, DENIED, UNREACHABLE, SKIPPED } = FileOutcome;

type AnswerKind = MessageInitShape<typeof FileAnswerSchema>['kind'];

function answering(...kinds: AnswerKind[]): (files: FakeFiles) => Promise<void> {
  return async (files) => {
    for (const kind of kinds) files.tell({ case: 'answer', value: kind ? { kind } : {} });
  };
}

function entry(path: string): AnswerKind {
  return { case: 'entry', value: { path } };
}

function problem(path: string, denied = false): AnswerKind {
  return { case: 'problem', value: { path, error: 'no', denied } };
}

/** In words. */
function words(answers: readonly NodeFileAnswer[]): string[] {
  return answers.map(({ kind }) => {
    switch (kind.case) {
      case 'selected':
        return kind.value.nodes.join();
      case 'answer':
        return `${kind.value.node} ${kind.value.answer?.kind.case}`;
      case 'end':
        return `${kind.value.node} ended ${kind.value.outcome} ${kind.value.entries}`;
      default:
        return '?';
    }
  });
}

async function startApi(): Promise<ApiFixture> {
  const api = await ApiFixture.start();
  await api.addNodes('n1', 'n2', 'n3', 'n4', 'n5', 'n6');
  const { files, changeNode } = api.parts.dispatch;
  files.set('n1', answering(entry('a'), entry('b'), { case: 'done', value: 2n }));
  files.set('n2', answering(problem('a'), { case: 'done', value: 0n }));
  files.set('n3', answering(problem('a', true), { case: 'done', value: 0n }));
  files.set('n4', answering(entry('a')));
  files.set('n5', answering({ case: 'done', value: 0n }, entry('a')));
  changeNode.call(api.parts.dispatch, 'n6', { state: NodeState.UNREACHABLE, seenAtMs: 0 });
  return api;
}

test('listFiles() merges what the nodes answer, and says of each how it ended', async () => {
  await using api = await startApi();
  const target = { nodes: 'n*' };
  const answers = await collect(api.client(FileService).listFiles({ target, list: { paths: ['x'] } }));
  assert.equal(words(answers)[0], 'n1,n2,n3,n4,n5,n6');
  assert.deepEqual(
    words(answers)
      .filter((line) => line.includes('n1'))
      .slice(1),
    ['n1 entry', 'n1 entry', `n1 ended ${DONE} 2`],
  );
  const ends = answers.flatMap(({ kind }) => (kind.case === 'end' ? [kind.value] : []));
  assert.deepEqual(ends.map(({ node, outcome, reason }) => [node, outcome, reason]).sort(), [
    ['n1', DONE, ''],
    ['n2', FAILED, ''],
    ['n3', DENIED, ''],
    ['n4', FAILED, 'the node broke off the files'],
    ['n5', FAILED, 'the node sent nonsense: something behind its last frame'],
    ['n6', UNREACHABLE, 'the node is not connected'],
  ]);
});

test('the calls about files record who asked what, and those that change something an event', async () => {
  await using api = await startApi();
  const client = api.client(FileService);
  const target = { nodes: 'n1' };
  await collect(client.listFiles({ target, list: {} }));
  await collect(client.readFile({ target, read: { path: 'a', tailLines: 3n } }));
  await collect(client.makeDirectories({ target, make: { paths: ['a', 'b'], parents: true } }));
  await collect(client.moveFile({ target, move: { from: 'a', to: 'b' } }));
  await collect(client.removeFiles({ target, remove: { paths: ['a', 'b', 'c', 'd', 'e'], force: true } }));
  const rows = await api.parts.store.read.listAudit(0, 10);
  assert.deepEqual(
    rows.map(({ verb, nodes, request }) => `${verb} ${nodes} ${request}`),
    [
      'file.read n1 {"list":{},"method":"ListFiles"}',
      'file.read n1 {"method":"ReadFile","read":{"path":"a","tailLines":"3"}}',
      'file.write n1 {"makeDirectories":{"parents":true,"paths":["a","b"]},"method":"MakeDirectories"}',
      'file.write n1 {"method":"MoveFile","move":{"from":"a","to":"b"}}',
      'file.remove n1 {"method":"RemoveFiles","remove":{"force":true,"paths":["a","b","c","d","e"]}}',
    ],
  );
  const { events } = await api.parts.store.read.listEvents({}, 0, 10);
  assert.deepEqual(
    events.map(({ kind, who, data }) => [kind, who, data]),
    [
      ['file.mkdir', 'admin', { nodes: 'n1', paths: 'a, b' }],
      ['file.move', 'admin', { nodes: 'n1', from: 'a', to: 'b' }],
      ['file.remove', 'admin', { nodes: 'n1', paths: 'a, b, c, and 2 more' }],
    ],
  );
  assert.deepEqual(
    api.parts.dispatch.orders.map((order) => order.kind === 'files' && order.order),
    ['list', 'read', 'makeDirectories', 'move', 'remove'],
  );
});

test('the calls about files read from a drained node, and change nothing on it', async () => {
  await using api = await startApi();
  const drain = { reason: 'disk', by: 'ada', atMs: 0 };
  await api.parts.store.transact((writer) => writer.setNodesDrain(['n1'], drain));
  const client = api.client(FileService);
  const target = { nodes: 'n1' };
  const read = await collect(client.readFile({ target, read: { path: 'a' } }));
  assert.equal(words(read).at(-1), `n1 ended ${DONE} 2`);
  const removed = await collect(client.removeFiles({ target, remove: { paths: ['a'] } }));
  assert.deepEqual(words(removed), ['n1', `n1 ended ${SKIPPED} 0`]);
  const last = removed.at(-1)?.kind;
  assert.ok(last?.case === 'end' && last.value.outcome === SKIPPED);
  assert.equal(last.value.reason, 'the node is drained: disk');
});

test('the calls about files refuse what cannot be meant, and ask nobody', async () => {
  await using api = await startApi();
  const client = api.client(FileService);
  const list = (target: MessageInitShape<typeof FileTargetSchema>, path = 'a') =>
    collect(client.listFiles({ target, list: { paths: [path] } }));
  const read = (more: object) =>
    collect(client.readFile({ target: { nodes: 'n1' }, read: { path: 'a', ...more } }));
  const cases: [() => Promise<unknown>, Code, RegExp][] = [
    [() => list({}), Code.InvalidArgument, /an empty target never means all/],
    [() => list({ nodes: 'n9' }), Code.NotFound, /no such node: n9/],
    [() => list({ nodes: 'n1', exclude: 'n1' }), Code.NotFound, /no node matches/],
    [
      () => list({ nodes: 'n1', pacing: { maxConcurrency: 1, batchSleepMs: 3n } }),
      Code.InvalidArgument,
      /no pause/,
    ],
    [() => list({ nodes: 'n1', pacing: { maxErrorsPercent: 101 } }), Code.InvalidArgument, /101 per cent/],
    [
      () => list({ nodes: 'n1', bytesPerSecond: 2n ** 60n }),
      Code.InvalidArgument,
      /bytes a second are out of range/,
    ],
    [() => list({ nodes: 'n1' }, 'a\0b'), Code.InvalidArgument, /has a NUL/],
    [() => list({ nodes: 'n1' }, 'a'.repeat(5_000)), Code.InvalidArgument, /has 5000 bytes/],
    [() => read({ path: '' }), Code.InvalidArgument, /a path is empty/],
    [() => read({ headLines: 1n, tailBytes: 1n }), Code.InvalidArgument, /one part is read/],
    [() => read({ headLines: 1n, follow: true }), Code.InvalidArgument, /cannot be followed/],
    [() => collect(client.readFile({ target: { nodes: 'n1' } })), Code.InvalidArgument, /says nothing/],
    [
      () => collect(client.removeFiles({ target: { nodes: 'n1' }, remove: { paths: ['a', ''] } })),
      Code.InvalidArgument,
      /a path is empty/,
    ],
    [
      () => collect(client.makeDirectories({ target: { nodes: 'n1' }, make: { paths: [''] } })),
      Code.InvalidArgument,
      /a path is empty/,
    ],
    [
      () => collect(client.moveFile({ target: { nodes: 'n1' }, move: { from: '', to: 'b' } })),
      Code.InvalidArgument,
      /a path is empty/,
    ],
    [
      () =>
        collect(client.makeDirectories({ target: { nodes: 'n1' }, make: { paths: ['a'], mode: 0o10000 } })),
      Code.InvalidArgument,
      /mode 4096 is more/,
    ],
    [
      () =>
        collect(client.removeFiles({ target: { nodes: 'n1' }, remove: { paths: Array(1_001).fill('a') } })),
      Code.InvalidArgument,
      /1001 paths are named, at most 1000/,
    ],
  ];
  for (const [call, code, message] of cases) {
    await assert.rejects(call, (error: ConnectError) => {
      assert.match(error.rawMessage, message);
      assert.equal(error.code, code);
      return true;
    });
  }
  assert.deepEqual(api.parts.dispatch.orders, []);
  assert.deepEqual(await api.parts.store.read.listAudit(0, 10), []);
});
