import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { exits, waits } from './commands.ts';
import { livePids, untilLive } from './node-contact.ts';

/** Of Debian's package of that name. */
const library = findLibrary();

const hourS = 3_600;

/** How much faster time passes: a session must outlive what the machine may be late with. */
const clockRate = 5;

/** In so long every heartbeat and every deadline is looked at, real time. */
const heartbeatMs = 5_000 / clockRate;

function findLibrary(): string | undefined {
  const folders = existsSync('/usr/lib')
    ? readdirSync('/usr/lib').filter((name) => name.endsWith('-gnu'))
    : [];
  const paths = folders.map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`);
  return paths.find((path) => existsSync(path));
}

const skip =
  library === undefined && 'there is no libfaketime, and a time namespace has the wall clock of its host';

test('23: the wall clock jumps by an hour and a day, back and forth: no node is lost, nobody dials anew', {
  skip,
}, async (t) => {
  const clocks = mkdtempSync(join(tmpdir(), 'drover-clocks-'));
  t.after(() => rmSync(clocks, { recursive: true }));
  const [controllerClock, agentClock] = [join(clocks, 'controller'), join(clocks, 'agent')];
  const set = (clock: string, seconds: number) =>
    writeFileSync(clock, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  for (const clock of [controllerClock, agentClock]) set(clock, 0);
  const environment = (clock: string) => ({
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
  const cluster = await ChaosCluster.start(t, {
    nodes: 2,
    clockRate,
    agentEnvironment: environment(agentClock),
    controllerEnvironment: environment(controllerClock),
  });
  await cluster.launch(waits(3), { count: 3 });
  await cluster.untilState(TaskState.RUNNING);
  const waiting = cluster.taskIds;
  const pids = await livePids(cluster, waiting);
  const sessions = () =>
    readFileSync(join(cluster.layout.logs, 'controller.log'), 'utf8').match(/session (open|closed)/g)?.length;
  const before = sessions();

  for (const [who, clock] of [
    ['the controller', controllerClock],
    ['the agents', agentClock],
  ] as const) {
    for (const hours of [1, -1, 24, -24]) {
      await t.test(`${who}: ${hours} h`, async () => {
        set(clock, hours * hourS);
        await sleep(heartbeatMs);
        const [id = ''] = await cluster.launch(exits(4), { nodes: 'node1' });
        await cluster.untilState(TaskState.ENDED, [id]);
        if (clock === controllerClock) await assertShifted(cluster, id, hours * hourS);
        set(clock, 0);
        await sleep(heartbeatMs);
      });
    }
  }
  await untilLive(cluster, waiting);
  assert.deepEqual(await livePids(cluster, waiting), pids);
  const lost = await cluster.events([
    'node.disconnected',
    'node.unreachable',
    'node.lost',
    'cluster.mass-loss',
  ]);
  assert.deepEqual(
    lost.map(({ kind, node }) => [kind, node]),
    [],
  );
  assert.equal(sessions(), before);
  await cluster.verify();
});

/** The fault has fired: the controller has recorded this task at another time than ours. */
async function assertShifted(cluster: ChaosCluster, id: string, seconds: number): Promise<void> {
  const createdAt = Number((await cluster.tasks([id]))[0]?.createdAt?.seconds);
  assert.ok(Math.abs(createdAt - seconds - Date.now() / 1_000) < 60, `created at ${createdAt}`);
}
