/** The commands that show one node and change nodes, over a real connection: what they ask, print and exit with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { FakeClock } from '#base/clock.ts';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import { FakeTerminal } from '#cli/testing/fake-terminal.ts';
import type { TestContextOptions } from '#cli/testing/test-context.ts';
import { NodeService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';

const nowMs = 1_700_000_000_000;
const web3 = {
  name: 'web3',
  state: NodeState.CONNECTED,
  labels: { role: 'web' },
  seenAt: timestampFromMs(nowMs - 3_000),
  version: '0.1.0',
  facts: { hostname: 'h3', cpus: 8, arch: 'x86_64', memoryBytes: 2n ** 34n },
  drain: { reason: 'new disk', by: 'ada', at: timestampFromMs(nowMs) },
  activeTasks: 2,
};

/** Every method, and what each was asked. */
async function call(words: string[], options: TestContextOptions = {}) {
  const asked: Record<string, unknown>[] = [];
  const note = <A>(method: string, request: Record<string, unknown>, answer: A) => {
    const { $typeName: _, ...rest } = request;
    asked.push({ method, ...rest });
    return answer;
  };
  const routes = (router: ConnectRouter) => {
    router.service(NodeService, {
      getNode: () => web3,
      listNodes: ({ nodes }) => ({
        nodes: nodes === 'web3' ? [web3] : [web3, { ...web3, name: 'web4', activeTasks: 0 }],
      }),
      labelNodes: (request) => note('label', request, { nodes: [web3] }),
      drainNodes: (request) => note('drain', request, { nodes: [web3] }),
      resumeNodes: (request) => note('resume', request, { nodes: [web3] }),
      removeNode: (request) => note('remove', request, { unknownTasks: 2 }),
    });
    router.service(TaskService, {
      listTasks: () => ({ tasks: [] }),
      stopTasks: ({ query }) =>
        note('stop', { nodes: query?.nodes }, { results: [{ taskId: 'kaaa', node: 'web3', error: 'gone' }] }),
    });
  };
  return { ...(await callWithApi(routes, words, { clock: new FakeClock(nowMs), ...options })), asked };
}

const terminal = (key: string) => new FakeTerminal(async () => key);

test('nodes show prints what is known of a node, its drain and its facts', async () => {
  const { code, stdout } = await call(['nodes', 'show', 'web3']);
  assert.equal(code, 0);
  assert.match(stdout, /^state: +connected, drained$/m);
  assert.match(stdout, /^seen: +3\.0s ago$/m);
  assert.match(stdout, /^drained: +new disk \(by ada, .*\)$/m);
  assert.match(stdout, /^processors: +8 x86_64$/m);
});

test('nodes label tells sets, labels and keys apart', async () => {
  const { code, asked } = await call(['nodes', 'label', 'web[1-3]', '@zone=a', 'role=db', 'x=', 'spot-']);
  assert.equal(code, 0);
  const set = { role: 'db', x: '' };
  assert.deepEqual(asked, [
    { method: 'label', nodes: 'web[1-3],@zone=a', selector: '', set, remove: ['spot'] },
  ]);
  assert.match((await call(['nodes', 'label', 'web3'])).stderr, /which labels\?/);
  assert.match((await call(['nodes', 'label'])).stderr, /which nodes\?/);
});

test('nodes drain needs a reason, and stops tasks if told to', async () => {
  const { code, asked, stderr } = await call(['nodes', 'drain', 'web*', '--reason', 'move', '--stop']);
  assert.deepEqual([code, stderr], [4, 'drover: web3 kaaa: gone\nstopping 0 tasks\n']);
  assert.deepEqual(asked, [
    { method: 'drain', nodes: 'web*', selector: '', reason: 'move' },
    { method: 'stop', nodes: 'web3' },
  ]);
  assert.deepEqual((await call(['nodes', 'drain', 'web3'])).code, 2);
  assert.deepEqual((await call(['nodes', 'drain', '--reason', 'move'])).code, 2);
  const resumed = await call(['nodes', 'resume', '-l', 'role=web', '-o', 'name']);
  assert.deepEqual(
    [resumed.stdout, resumed.asked],
    ['web3\n', [{ method: 'resume', nodes: '', selector: 'role=web' }]],
  );
});

test('nodes remove asks first where somebody is there, and needs --yes where nobody is', async () => {
  const removed = { method: 'remove', name: 'web3' };
  const nobody = await call(['nodes', 'remove', 'web3']);
  assert.deepEqual([nobody.code, nobody.asked], [2, []]);
  const no = await call(['nodes', 'remove', 'web3'], { terminal: terminal('n') });
  assert.deepEqual([no.code, no.stderr, no.asked], [1, 'drover: web3 was not removed\n', []]);
  const yes = await call(['nodes', 'remove', 'web3'], { terminal: terminal('y') });
  assert.deepEqual([yes.code, yes.asked], [0, [removed]]);
  const forced = await call(['nodes', 'remove', '--yes', 'web3']);
  assert.deepEqual([forced.stdout, forced.asked], ['removed web3; 2 tasks end as unknown\n', [removed]]);
});

test('nodes remove of several asks for their number, typed', async () => {
  const words = ['nodes', 'remove', 'web[3-4]'];
  for (const typed of ['y', '', '3', 'interrupt', undefined]) {
    const { code, stderr, asked } = await call(words, { terminal: new FakeTerminal(async () => typed) });
    assert.deepEqual([code, asked], [1, []], typed);
    assert.match(
      stderr,
      /^Remove web\[3-4\] for good\. 2 tasks end as unknown\.\n.*web\[3-4\] were not removed/s,
    );
  }
  const both = ['web3', 'web4'].map((name) => ({ method: 'remove', name }));
  assert.deepEqual((await call(words, { terminal: terminal('2') })).asked, both);
  assert.deepEqual((await call([...words, '--yes'])).asked, both);
  assert.deepEqual((await call(words)).code, 2);
});
