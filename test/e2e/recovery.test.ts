/** What is killed comes back and has lost nothing: real processes, SIGKILL by pid. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startUpCluster, type UpCluster } from '#test/fixture/drover-command.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { until } from '#test/fixture/until.ts';

/** Runs until the file `go` exists, and prints a line before and after. */
function waitingCommand(go: string): string[] {
  return ['sh', '-c', `echo before; while [ ! -e ${go} ]; do sleep 0.05; done; echo after; exit 9`];
}

async function launch(cluster: UpCluster, nodes: string, command: readonly string[]): Promise<string[]> {
  const result = await cluster.run('run', '-d', '-o', 'json', '-w', nodes, '--', ...command);
  assert.equal(result.code, 0, result.stderr);
  return (await tasks(cluster)).map((task) => task.id);
}

interface ShownTask {
  readonly id: string;
  readonly node: string;
  readonly state: string;
  readonly outcome?: { readonly exited?: { readonly code?: number } };
  readonly attempts?: readonly { readonly pid?: number }[];
}

async function tasks(cluster: UpCluster): Promise<ShownTask[]> {
  const { code, stdout, stderr } = await cluster.run('ps', '-a', '-o', 'jsonl');
  assert.equal(code, 0, stderr);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line));
}

/** Pids of the children of `drover up` whose command line contains `word`. */
function daemonPids(up: number, word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readProc(pid, 'stat').split(') ')[1]?.split(' ')[1] === String(up))
    .filter((pid) => readProc(pid, 'cmdline').includes(word))
    .map(Number);
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

for (const [victim, word] of [
  ['agent', 'drover agent'],
  ['controller', '/controller/main.ts'],
] as const) {
  test(`kill -9 of the ${victim} loses no task, no exit code and no output`, async (t) => {
    const directory = temporaryDirectory(t);
    const go = join(directory, 'go');
    await using cluster = await startUpCluster(join(directory, 'data'), 2);
    const ids = await launch(cluster, '@all', waitingCommand(go));
    assert.equal(ids.length, 2);
    await until('both run', async () =>
      (await tasks(cluster)).every(({ state }) => state.endsWith('RUNNING')),
    );
    const pidsBefore = (await tasks(cluster)).map((task) => task.attempts?.[0]?.pid);

    const killed = daemonPids(cluster.pid, word);
    assert.equal(killed.length, victim === 'agent' ? 2 : 1);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await until(`${victim} is back`, async () => {
      const { code, stdout } = await cluster.run('nodes', '-o', 'jsonl');
      return (
        code === 0 && stdout.split('CONNECTED').length - 1 === 2 && daemonPids(cluster.pid, word).length > 0
      );
    });
    assert.deepEqual(
      (await tasks(cluster)).map((task) => task.attempts?.[0]?.pid),
      pidsBefore,
    );

    writeFileSync(go, '');
    const waited = await cluster.run('wait', ...ids);
    assert.equal(waited.code, 5, waited.stderr);
    for (const task of await tasks(cluster)) {
      assert.equal(task.outcome?.exited?.code, 9);
      const logs = await cluster.run('logs', task.id);
      assert.deepEqual(logs.stdout.match(/before|after/g), ['before', 'after']);
    }
  });
}

test('drover up --keep leaves tasks running, and the next up finds them', async (t) => {
  const directory = temporaryDirectory(t);
  const go = join(directory, 'go');
  const first = await startUpCluster(join(directory, 'data'), 1, '--keep');
  await launch(first, 'node1', waitingCommand(go));
  await until('it runs', async () => (await tasks(first)).every(({ state }) => state.endsWith('RUNNING')));
  const pid = (await tasks(first))[0]?.attempts?.[0]?.pid;
  assert.equal((await first.stop()).code, 0);
  assert.ok(pid && readProc(String(pid), 'cmdline').includes('before'), 'it still runs');

  await using second = await startUpCluster(join(directory, 'data'), 1);
  writeFileSync(go, '');
  const [task] = await tasks(second);
  assert.equal((await second.run('wait', task?.id ?? '')).code, 5);
  assert.equal((await tasks(second))[0]?.outcome?.exited?.code, 9);
});

test('drover up stops its tasks with it, and says so', async (t) => {
  const cluster = await startUpCluster(join(temporaryDirectory(t), 'data'), 1);
  await launch(cluster, 'node1', ['sleep', '600']);
  await until('it runs', async () => (await tasks(cluster)).every(({ state }) => state.endsWith('RUNNING')));
  const pid = (await tasks(cluster))[0]?.attempts?.[0]?.pid;
  const { code, stderr } = await cluster.stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /stopping 1 task/);
  assert.equal(readProc(String(pid), 'cmdline'), '', 'it is gone');
});
