import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeEnd } from '#core/outcome.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { LogSource, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import type { SimulatedAgent } from './simulated-agent.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import { SimulatedFleet } from './simulated-fleet.ts';

test('SimulatedAgent', async (t) => {
  const cluster = await SimulatedCluster.start(t, ['sim1', 'sim2']);
  const agents = await cluster.startAgents();
  await untilLinked(agents);

  await t.test('tells the outcomes that its commands are scripts for', async () => {
    for (const [argv, end] of [
      [['/bin/true'], 'exit 0'],
      [['sim', 'exit=3', 'after=5'], 'exit 3'],
      [['sim', 'signal=SIGSEGV'], 'SIGSEGV'],
      [['sim', 'not-started'], 'not started: simulated: no such file'],
    ] as const) {
      const tasks = await ended(cluster, await cluster.run(...argv));
      assert.deepEqual(tasks.map(endOf), [end, end]);
    }
  });

  await t.test('prints, and says how much', async () => {
    const tasks = await ended(cluster, await cluster.run('sim', 'print=hello', 'repeat=20000'));
    const refs = [tasks[0]?.id ?? ''];
    const chunks: Uint8Array[] = [];
    for await (const { data } of cluster.api.tasks.readLogs({ query: { refs }, source: LogSource.STDOUT }))
      chunks.push(data);
    assert.equal(Buffer.concat(chunks).toString(), 'hello\n'.repeat(20_000));
    assert.equal(tasks[0]?.attempts[0]?.stdoutBytes, 120_000n);
  });

  await t.test('ends by signals as processes do', async () => {
    const gentle = await running(cluster, await cluster.run('sim', 'after=never'));
    const query = { refs: gentle.map(({ id }) => id) };
    const { samples } = await cluster.api.tasks.sampleTasks({ query });
    assert.equal(samples.length, 2);
    await cluster.api.tasks.signalTasks({ query, signal: 'WINCH' });
    await cluster.api.tasks.stopTasks({ query });
    assert.deepEqual((await ended(cluster, gentle)).map(endOf), ['SIGTERM', 'SIGTERM']);

    const stubborn = await running(cluster, await cluster.run('sim', 'after=never', 'stubborn'));
    await cluster.api.tasks.stopTasks({ query: { refs: stubborn.map(({ id }) => id) }, graceMs: 1n });
    assert.deepEqual((await ended(cluster, stubborn)).map(endOf), ['SIGKILL', 'SIGKILL']);
  });

  await t.test(
    'loses its connection before and after it has taken an order on, and starts once',
    async () => {
      for (const cut of ['cut=before', 'cut=after']) {
        const welcomes = agents.map((agent) => agent.welcomes);
        const tasks = await ended(cluster, await cluster.run('sim', cut, 'exit=4'));
        assert.deepEqual(tasks.map(endOf), ['exit 4', 'exit 4']);
        assert.deepEqual(
          agents.map((agent) => agent.welcomes),
          welcomes.map((count) => count + 1),
        );
      }
    },
  );

  await t.test('is silent about what it was told to be silent about', async () => {
    const [task] = await cluster.run('sim', 'silent');
    await ended(cluster, await cluster.run('true'));
    assert.equal((await cluster.api.tasks.getTask({ ref: task?.id ?? '' })).state, TaskState.PENDING);
  });

  await t.test('comes back to a controller that starts again, with what happened meanwhile', async () => {
    const tasks = await running(cluster, await cluster.run('sim', 'after=50', 'exit=5'));
    const { port } = cluster.address;
    await cluster.stopController();
    await cluster.startController(port);
    assert.deepEqual((await ended(cluster, tasks)).map(endOf), ['exit 5', 'exit 5']);
  });
});

test('SimulatedFleet runs agents in processes of its own', async (t) => {
  const names = Array.from({ length: 10 }, (_, i) => `sim${i + 1}`);
  const cluster = await SimulatedCluster.start(t, names);
  const { address, directory } = cluster;
  const fleet = await SimulatedFleet.start(cluster.nodes, { address, directory, processes: 2 });
  t.after(() => fleet[Symbol.asyncDispose]());
  const { agents, welcomes } = await fleet.allLinked(20_000);
  assert.deepEqual([agents, welcomes, fleet.pids.length], [10, 10, 2]);
  await ended(cluster, await cluster.run('true'));
  assert.equal((await fleet.status()).ordered, 10);
  await fleet[Symbol.asyncDispose]();
  await until('all sessions are down', async () => {
    const { nodes } = await cluster.api.nodes.listNodes({});
    return nodes.every(({ state }) => state === NodeState.DISCONNECTED);
  });
});

function endOf({ outcome, cause }: Task): string {
  return outcome ? describeEnd(outcome, cause) : 'none';
}

async function untilLinked(agents: readonly SimulatedAgent[]): Promise<void> {
  await until('all agents are linked', () => agents.every(({ isLinked }) => isLinked));
}

function ended(cluster: SimulatedCluster, tasks: readonly Task[]): Promise<Task[]> {
  return inState(cluster, tasks, TaskState.ENDED);
}

function running(cluster: SimulatedCluster, tasks: readonly Task[]): Promise<Task[]> {
  return inState(cluster, tasks, TaskState.RUNNING);
}

/** The tasks when all of them have come to that state. */
async function inState({ api }: SimulatedCluster, tasks: readonly Task[], state: TaskState): Promise<Task[]> {
  const refs = tasks.map(({ id }) => id);
  const latest = new Map<string, Task>();
  for await (const { kind } of api.tasks.followTasks({ query: { refs } })) {
    if (kind.case === 'task') latest.set(kind.value.id, kind.value);
    if (refs.every((id) => latest.get(id)?.state === state)) break;
  }
  return refs.map((id) => latest.get(id) as Task);
}
