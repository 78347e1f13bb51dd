import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster } from './chaos-cluster.ts';
import { type ChaosCommand, shell } from './commands.ts';
import { allPids, describeProcess, killAll, monitorOf, pidsWith, readProc, statOf } from './processes.ts';

const directory = mkdtempSync(join(tmpdir(), 'drover-hydra-'));
const binary = join(directory, 'hydra');

before(() => {
  const flags = ['-std=c17', '-O1', '-Wall', '-Wextra', '-Werror'];
  execFileSync('cc', [...flags, '-o', binary, join(import.meta.dirname, 'hydra.c')]);
});
after(() => rmSync(directory, { recursive: true }));

/** Far more than is forked before it is stopped, and an end should nobody stop it. */
const forks = 8_000;
const seconds = 20;

/** A hydra that has `mark` in the command line of each of its processes. */
function hydra(mark: string, ...more: string[]): ChaosCommand {
  return shell([`exec ${[binary, mark, forks, seconds, ...more].join(' ')}`], 0, '');
}

/** Waits until it was what it should be: many processes, several sessions, some without the environment of the task. */
async function untilGrown(mark: string): Promise<void> {
  const seen = { pids: new Set<number>(), sessions: new Set<number>(), hidden: new Set<number>() };
  await until('the hydra has grown', () => {
    for (const pid of allPids()) {
      if (!readProc(pid, 'cmdline').includes(mark)) continue;
      const environment = readProc(pid, 'environ');
      const stat = statOf(pid);
      // They do not live long: of one that has gone meanwhile nothing was read.
      if (!stat || stat.state === 'Z') continue;
      seen.pids.add(pid);
      seen.sessions.add(stat.session);
      if (environment === '') seen.hidden.add(pid);
    }
    return seen.pids.size >= 20 && seen.sessions.size >= 4 && seen.hidden.size >= 2;
  });
}

/** A process that forks while /proc is read may not be seen once: look several times. */
async function assertGone(mark: string): Promise<void> {
  for (let look = 0; look < 20; look++) {
    assert.deepEqual(pidsWith(mark).map(describeProcess), []);
    await sleep(10);
  }
}

test('12: what forks, hides and ignores every signal', async (t) => {
  const cluster = await ChaosCluster.start(t);

  await t.test('leaves 0 processes after a stop', async () => {
    const mark = `hydra-stop-${process.pid}`;
    const ids = await cluster.launch(hydra(mark));
    await untilGrown(mark);
    await cluster.stopTasks(ids, 200);
    await cluster.untilState(TaskState.ENDED);
    await assertGone(mark);
    await cluster.settle({ signals: ['SIGKILL'] });
  });

  await t.test('leaves 0 processes when its leader has ended', async () => {
    const mark = `hydra-leave-${process.pid}`;
    const [id = ''] = await cluster.launch(hydra(mark, 'leave'), { spec: { stopGraceMs: 300n } });
    await cluster.untilState(TaskState.ENDED);
    await assertGone(mark);
    const left = (await cluster.tasks([id]))[0]?.attempts[0]?.leftovers ?? [];
    assert.equal(left.length > 5, true, `its leader left ${left.length} processes`);
    await cluster.settle();
  });

  await t.test('leaves 0 processes also when its monitor is dead', async () => {
    const mark = `hydra-alone-${process.pid}`;
    const ids = await cluster.launch(hydra(mark));
    await untilGrown(mark);
    killAll((await cluster.tasks(ids)).map(monitorOf));
    await cluster.stopTasks(ids, 200);
    await cluster.untilState(TaskState.ENDED);
    await assertGone(mark);
    await cluster.settle({ signals: ['SIGKILL'], unknown: /^monitor lost$/ });
  });

  await cluster.verify();
});
