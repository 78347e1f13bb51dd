/** `complete` and `completion`: what the scripts of the shells get. The shells themselves: test/e2e/completion.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectRouter } from '@connectrpc/connect';
import { callCommand } from '#cli/call-command.ts';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import { makeTask, refusal } from '#cli/testing/fake-api.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { JoinTokenService, NodeService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

const run = '0198c5b2-0000-7000-8000-000000000001';
const state = NodeState.CONNECTED;
const nodes: { name: string; state: NodeState; labels: Record<string, string> }[] = [
  { name: 'db1', state, labels: { role: 'db' } },
  { name: 'web1', state, labels: { role: 'web', spot: '' } },
  { name: 'web2', state: NodeState.LOST, labels: { role: 'web' } },
];
const tasks = [
  makeTask('kaaaaaaaaa', 'web1', { runId: run, spec: { argv: ['sleep', '9'] } }),
  makeTask('kbbbbbbbbb', 'web2', {
    runId: run,
    state: TaskState.ENDED,
    spec: { argv: ['echo', 'a\tb\nc\u001b[31m'] },
  }),
];

function cluster(router: ConnectRouter): void {
  router.service(NodeService, {
    listNodes({ nodes: set }) {
      const found = nodes.filter(({ name }) => name.startsWith(set.replace('*', '')));
      if (found.length === 0) throw refusal('NO_NODE_MATCHED', 'no node matches');
      return { nodes: found };
    },
  });
  router.service(TaskService, {
    listTasks: ({ query }) => ({
      tasks: tasks.filter((task) => !query?.states.length || query.states.includes(task.state)),
    }),
  });
  router.service(JoinTokenService, {
    listJoinTokens: () => ({ tokens: [{ id: '7f3a', names: 'web[1-9]' }] }),
  });
}

const answers: [words: string[], lines: string[]][] = [
  [
    ['nodes', ''],
    ['db1\tconnected', 'web1\tconnected', 'web2\tlost'],
  ],
  [
    ['nodes', 'we'],
    ['web1\tconnected', 'web2\tlost'],
  ],
  [
    ['nodes', 'db1,we'],
    ['db1,web1\tconnected', 'db1,web2\tlost'],
  ],
  [['run', '--nodes=d'], ['--nodes=db1\tconnected']],
  [['nodes', 'x'], []],
  [['nodes', 'web[1-'], []],
  [
    ['nodes', "'we"],
    ['web1\tconnected', 'web2\tlost'],
  ],
  [['nodes', '"db1,d'], ['db1,db1\tconnected']],
  [
    ['run', '-w', '@'],
    ['@all\tevery node', '@role\t3 nodes', '@role=db\t1 node', '@role=web\t2 nodes', '@spot\t1 node'],
  ],
  [
    ['run', '-w', '@role='],
    ['@role=db\t1 node', '@role=web\t2 nodes'],
  ],
  [['nodes', '-l', '!s'], ['!spot\t1 node']],
  [['nodes', '-l', 'spot,role=w'], ['spot,role=web\t2 nodes']],
  [
    ['logs', 'k'],
    ['kaaaaaaaaa\tweb1 running sleep 9', "kbbbbbbbbb\tweb2 ended echo 'a b c'"],
  ],
  [['kill', 'k'], ['kaaaaaaaaa\tweb1 running sleep 9']],
  [['inspect', '0'], [`${run}\trun of 2 sleep 9`]],
  [['join-token', 'revoke', ''], ['7f3a\tweb[1-9]']],
  [['nodes', '--hel'], ['--help\tshow this help']],
  [['run', '--env-file', ''], [':files']],
];

for (const [words, lines] of answers) {
  test(`complete -- ${words.map((word) => JSON.stringify(word)).join(' ')}`, async () => {
    const { code, stdout } = await callWithApi(cluster, ['complete', '--', ...words]);
    assert.equal(code, 0);
    assert.deepEqual(stdout.split('\n').slice(0, -1), lines);
  });
}

test('complete asks no cluster where the table knows', async () => {
  using made = createTestContext();
  assert.equal(await callCommand(made.context, ['complete', '--', 'nodes', '-o', 'j']), 0);
  assert.equal(made.printed.stdout(), 'json\t\njsonl\t\n');
});

test('complete is in no list, completion is', async () => {
  using made = createTestContext();
  await callCommand(made.context, ['help']);
  assert.match(made.printed.stdout(), /^ {2}completion /m);
  assert.doesNotMatch(made.printed.stdout(), /^ {2}complete /m);
});

test('completion prints a script for each shell, and knows no other', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    using made = createTestContext();
    assert.equal(await callCommand(made.context, ['completion', shell]), 0);
    assert.match(made.printed.stdout(), new RegExp(`${shell} completion for drover`));
  }
  using made = createTestContext();
  assert.equal(await callCommand(made.context, ['completion', 'ksh']), 2);
  assert.match(
    made.printed.stderr(),
    /^drover completion: there is no script for "ksh": give bash, zsh, fish\n$/,
  );
});
