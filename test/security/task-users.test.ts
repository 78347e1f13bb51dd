/**
 * What a task of another user gets of the agent's: nothing. A real cluster whose policy runs tasks as an unprivileged user; the tries are
 * shell scripts that say "got" where they had success. Files and sockets are kept from them by modes, processes by the kernel's rules.
 */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { v7 } from 'uuid';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';

const skip = userInfo().uid === 0 ? false : 'only root can run tasks as another user';

/** A cluster whose directory others can walk through, so that what keeps them out is the agent's own. */
async function startCluster(t: TestContext): Promise<TestCluster> {
  const cluster = await TestCluster.start(1);
  t.after(() => cluster[Symbol.asyncDispose]());
  const above = dirname(cluster.directory);
  const { mode } = statSync(above);
  chmodSync(above, mode | 0o711);
  t.after(() => chmodSync(above, mode));
  chmodSync(cluster.directory, 0o755);
  writeFileSync(openFile(cluster), 'for all', { mode: 0o644 });
  const path = join(cluster.directory, 'node1', 'policy.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^users: .*$/m, 'users: [nobody]'));
  cluster.agents.get('node1')?.reloadPolicy();
  return cluster;
}

function openFile(cluster: TestCluster): string {
  return join(cluster.directory, 'open');
}

async function script(cluster: TestCluster, line: string): Promise<string> {
  const spec = { argv: ['/bin/sh', '-c', line], shell: true, cwd: '/' };
  const { run } = await cluster.connection.runs.createRun({ id: v7(), nodes: 'node1', spec });
  let [ended, text]: [Task | undefined, string] = [undefined, ''];
  const query = { runId: run?.id ?? '' };
  for await (const { kind } of cluster.connection.tasks.followTasks({ query, output: true })) {
    if (kind.case === 'log') text += Buffer.from(kind.value.data).toString();
    if (kind.case === 'task' && kind.value.state === TaskState.ENDED) ended = kind.value;
  }
  assert.equal(ended?.outcome?.kind.case, 'exited', JSON.stringify(ended?.outcome?.kind.value));
  return text;
}

/** Whether the line succeeds: "got", or "kept out". */
function attempt(cluster: TestCluster, line: string): Promise<string> {
  return script(cluster, `(${line}) >/dev/null 2>&1 && echo got || echo kept out`);
}

test("a task cannot read the agent's key, talk to its supervisor, or change its policy", {
  skip,
}, async (t) => {
  const cluster = await startCluster(t);
  const state = join(cluster.directory, 'node1');
  assert.match(
    await script(cluster, 'id -un; grep ^Groups: /proc/self/status; grep NoNewPrivs: /proc/self/status'),
    /^nobody\n.*\bNoNewPrivs:\t1\n$/s,
  );
  const key = join(state, 'identity', 'key.pem');
  assert.ok(statSync(key).size > 0, 'the key is where the task looks for it');
  const socket = join(state, 'supervisor', 'supervisor.sock');
  assert.ok(statSync(socket).isSocket(), 'the socket is where the task looks for it');
  assert.equal(await attempt(cluster, `cat ${openFile(cluster)}`), 'got\n', 'the way to the state is open');
  const tries = [
    `cat ${key}`,
    `cat ${join(state, 'journal')}/*`,
    `ls ${state}`,
    `ls ${join(state, 'tasks')}`,
    `echo x > ${join(state, 'policy.yaml')}`,
    `mv ${state} ${state}.gone`,
    `ln ${key} /tmp/drover-stolen-key`,
    `test -w ${socket}`,
    `perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un("${socket}")) or exit 1'`,
  ];
  for (const line of tries) {
    assert.equal(await attempt(cluster, line), 'kept out\n', line);
  }
});

test("a task cannot signal, trace or look into the agent's processes, nor keep a descriptor of theirs", {
  skip,
}, async (t) => {
  const cluster = await startCluster(t);
  const agent = process.pid;
  const tries = [
    `kill -0 ${agent}`,
    `cat /proc/${agent}/environ`,
    `ls /proc/${agent}/fd`,
    `cat /proc/${agent}/mem`,
  ];
  tries.push('kill -0 $PPID', 'cat /proc/$PPID/environ', 'ls /proc/$PPID/fd');
  for (const line of tries) {
    assert.equal(await attempt(cluster, line), 'kept out\n', line);
  }
  const descriptors = await script(cluster, 'ls -l /proc/$$/fd');
  assert.deepEqual(
    [...descriptors.matchAll(/ (\d+) -> (\S+)/g)].map(([, number]) => number),
    ['0', '1', '2'],
    descriptors,
  );
});
