import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { systemClock } from '#base/clock.ts';
import { parseHostPort } from '#base/host-port.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { describeEnd } from '#core/outcome.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Freshness, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { enrolFleet } from '#test/sim-agent/enrol-fleet.ts';
import { SimulatedFleet } from '#test/sim-agent/simulated-fleet.ts';
import { ChaosCluster, killDaemon } from './chaos-cluster.ts';
import { footprintOf, peakBytesOf } from './processes.ts';

/** Few, since every test shares its machine. All of them by `npm run herd`, which says how many here. */
const agents = Number(process.env['DROVER_HERD_AGENTS'] ?? 300);

/** Agents of one process: each has a descriptor, and so many of them a heap. */
const agentsPerProcess = 5_000;

const askAgainMs = 200;
const backWithinMs = 120_000;
const residentBytesMax = 1 << 30;

test(`25: ${agents} agents come back to a controller that was killed, and none counts as lost`, async (t) => {
  const cluster = await ChaosCluster.start(t, { nodes: 0 });
  await cluster.controller.stop(systemClock);
  const names = Array.from({ length: agents }, (_, i) => `sim${i + 1}`);
  const nodes = await enrolFleet(cluster.layout.controller, names);
  await cluster.startController();
  const { agentAddress } = await cluster.api.cluster.getCluster({});
  const address = parseHostPort(agentAddress);
  assert.ok(address);
  const processes = Math.ceil(agents / agentsPerProcess);
  const fleet = await SimulatedFleet.start(nodes, { address, directory: cluster.directory, processes });
  t.after(() => fleet[Symbol.asyncDispose]());
  await fleet.allLinked(backWithinMs);

  const staying = await launch(cluster.api, 'sim', 'after=never');
  const ending = await launch(cluster.api, 'sim', 'after=3000', 'exit=7');
  const pids = new Map(
    (await inState(cluster.api, staying, TaskState.RUNNING)).map((task) => [task.id, pidOf(task)]),
  );
  assert.equal(pids.size, agents);

  await killDaemon(cluster.controller);
  const killedAtMs = Date.now();
  await cluster.startController();
  const { lastWelcomeAtMs } = await fleet.allLinked(backWithinMs, 2);
  const backMs = lastWelcomeAtMs - killedAtMs;

  for (const task of await inState(cluster.api, staying, TaskState.RUNNING)) {
    assert.deepEqual([pidOf(task), task.freshness], [pids.get(task.id), Freshness.LIVE]);
  }
  for (const { outcome, cause } of await inState(cluster.api, ending, TaskState.ENDED)) {
    assert.equal(outcome && describeEnd(outcome, cause), 'exit 7');
  }
  const { nodes: known } = await cluster.api.nodes.listNodes({});
  assert.equal(known.filter(({ state }) => state === NodeState.CONNECTED).length, agents);
  const kinds = ['node.unreachable', 'node.lost', 'cluster.mass-loss'];
  const { events } = await cluster.api.events.listEvents({ query: { kinds } });
  assert.deepEqual(events, []);

  const pid = cluster.controller.pid ?? 0;
  const peakBytes = peakBytesOf(pid);
  const now = footprintOf(pid);
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  t.diagnostic(
    `back after ${(backMs / 1000).toFixed(1)} s, controller ${mebibytes(now.residentBytes)} MiB (peak ${mebibytes(peakBytes)}), ${now.descriptors} descriptors`,
  );
  assert.equal(backMs <= backWithinMs, true, `back after ${backMs} ms`);
  assert.equal(peakBytes <= residentBytesMax, true, `peak of ${peakBytes} bytes`);
});

async function launch({ runs }: Connection, ...argv: string[]): Promise<string> {
  const id = uuid();
  const { tasks } = await runs.createRun({ id, nodes: '@all', spec: { argv } });
  assert.equal(tasks.length, agents);
  return id;
}

/** The tasks of a run as soon as all of them are in that state, and live. */
async function inState(api: Connection, runId: string, state: TaskState): Promise<readonly Task[]> {
  for (const giveUpAtMs = performance.now() + backWithinMs; ; ) {
    const tasks = await tasksOf(api, runId);
    const left = tasks.filter((task) => task.state !== state || task.freshness !== Freshness.LIVE);
    if (left.length === 0) return tasks;
    assert.ok(performance.now() < giveUpAtMs, `${left.length} tasks are not in state ${state}`);
    await sleep(askAgainMs);
  }
}

async function tasksOf({ tasks }: Connection, runId: string): Promise<Task[]> {
  const found: Task[] = [];
  let pageToken = '';
  do {
    const page = await tasks.listTasks({ query: { runId }, pageSize: limits.pageMax, pageToken });
    found.push(...page.tasks);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
}

function pidOf(task: Task): number {
  assert.equal(task.attempts.length, 1);
  return task.attempts[0]?.pid ?? 0;
}
