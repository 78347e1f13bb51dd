import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignalScope, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import { ChaosCluster, killDaemon } from './chaos-cluster.ts';
import { exits, shell, waits } from './commands.ts';
import { testInNamespace } from './in-namespace.ts';
import { isAlive, killAll, monitorOf, statOf } from './processes.ts';

/** Numbers up to here are used once only. */
const onceOnly = 300;

/** Those after it come round within seconds. */
const pidMax = 600;

const [major = 0, minor = 0] = release().split('.').map(Number);
const tooOld = major < 6 || (major === 6 && minor < 14);
const place = {
  file: import.meta.filename,
  unshare: ['--pid', '--fork', '--mount-proc', '--kill-child'],
  skip: tooOld && 'before Linux 6.14 pid_max is of the whole machine',
};

/** Processes that are nobody's business: none of them may ever get a signal that the test did not send. */
class Bystanders {
  readonly #children = new Set<ChildProcess>();
  /** How those ended that were ended by somebody else. */
  readonly hit: string[] = [];

  constructor(t: TestContext) {
    t.after(() => this.dismiss());
  }

  /** Starts one. */
  add(): ChildProcess {
    const child = spawn('sleep', ['1000']);
    this.#children.add(child);
    child.once('exit', (_, signal) => {
      if (this.#children.delete(child)) this.hit.push(`${child.pid} ${signal}`);
    });
    return child;
  }

  /** Has one with this pid, which is free. */
  async take(pid: number): Promise<void> {
    for (let tries = 0; tries < 10 * pidMax; tries++) {
      const child = this.add();
      if (child.pid === pid) return;
      await this.remove(child);
    }
    assert.fail(`pid ${pid} did not come round`);
  }

  /** Ends one. */
  async remove(child: ChildProcess): Promise<void> {
    if (!this.#children.delete(child)) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Ends all. */
  async dismiss(): Promise<void> {
    for (const child of this.#children) await this.remove(child);
  }
}

/** So many pids must have been both a task's and a bystander's. */
const sharedMin = 10;

function limitPids(): void {
  writeFileSync('/proc/sys/kernel/pid_max', `${pidMax}`);
  // What comes from here on has a pid that comes round.
  spawnSync('sh', ['-c', `i=0; while [ $i -lt ${onceOnly} ]; do i=$((i + 1)); (exit); done`]);
}

testInNamespace('13: a pid that is used again is not that of a task that ended unseen', place, async (t) => {
  limitPids();
  const cluster = await ChaosCluster.start(t);
  const bystanders = new Bystanders(t);
  const [id = ''] = await cluster.launch(waits(3));
  await cluster.untilState(TaskState.RUNNING);
  const pid = (await cluster.tasks())[0]?.attempts[0]?.pid ?? 0;
  await killDaemon(cluster.agent());
  await cluster.gate.open();
  await until('it is gone', () => statOf(pid) === undefined);
  await bystanders.take(pid);
  await cluster.startAgent();
  for (const scope of [SignalScope.LEADER, SignalScope.GROUP, SignalScope.TREE]) {
    await cluster.api.tasks.signalTasks({ query: { refs: [id] }, signal: 'KILL', scope });
  }
  await cluster.untilState(TaskState.ENDED);
  assert.deepEqual(bystanders.hit, []);
  assert.equal(isAlive(pid), true);
  await bystanders.dismiss();
  await cluster.verify();
});

testInNamespace(
  '13: a kill that is due hits nobody who has the pids of a dead task and monitor',
  place,
  async (t) => {
    limitPids();
    const cluster = await ChaosCluster.start(t);
    const bystanders = new Bystanders(t);
    const stubborn = shell(["trap '' TERM", 'echo there', 'while :; do sleep 1000; done'], 0, 'there\n');
    const ids = await cluster.launch(stubborn);
    await cluster.untilState(TaskState.RUNNING);
    await until('it ignores SIGTERM', () => cluster.taskProcesses().length === 2);
    const [task] = await cluster.tasks();
    assert.ok(task);
    const pids = [task.attempts[0]?.pid ?? 0, monitorOf(task)];
    await cluster.stopTasks(ids, 3_000);
    await cluster.untilState(TaskState.STOPPING);
    await killDaemon(cluster.agent());
    killAll([cluster.supervisorPid(), ...pids.reverse(), ...cluster.taskProcesses()]);
    await until('all of it is gone', () => pids.every((pid) => statOf(pid) === undefined));
    for (const pid of pids) await bystanders.take(pid);
    await cluster.startAgent();
    await cluster.untilState(TaskState.ENDED);
    await sleep(4_000); // the grace, and once more the pause after which a kill is repeated
    assert.deepEqual(bystanders.hit, []);
    assert.deepEqual(pids.filter(isAlive), pids);
    await bystanders.dismiss();
    await cluster.verify({ unknown: /^monitor lost$/ });
  },
);

testInNamespace('13: while pids come round all the time, only tasks are signalled', place, async (t) => {
  limitPids();
  const cluster = await ChaosCluster.start(t);
  const bystanders = new Bystanders(t);
  const theirs = new Set<number>();
  const ours = new Set<number>();
  // As fast as this machine forks: pids come round after so many, however long that takes.
  const shared = () => [...ours].filter((pid) => theirs.has(pid));
  const patience = AbortSignal.timeout(60_000);
  const goesOn = () => shared().length <= sharedMin && !patience.aborted;
  const churn = async () => {
    while (goesOn()) {
      const few = Array.from({ length: 4 }, () => bystanders.add());
      for (const { pid = 0 } of few) theirs.add(pid);
      await sleep(5);
      for (const child of few) await bystanders.remove(child);
    }
  };
  const attack = async () => {
    while (goesOn()) {
      const refs = await cluster.launch(exits(1), { count: 8 });
      const signals = [SignalScope.LEADER, SignalScope.GROUP, SignalScope.TREE].map((scope) =>
        cluster.api.tasks.signalTasks({ query: { refs }, signal: 'KILL', scope }),
      );
      await Promise.all(signals);
      for (const { attempts } of await cluster.tasks()) ours.add(attempts[0]?.pid ?? 0);
    }
  };
  await Promise.all([churn(), attack()]);
  await cluster.untilState(TaskState.ENDED);
  assert.equal(shared().length > sharedMin, true, `only ${shared().length} pids were used by both`);
  assert.deepEqual(bystanders.hit, []);
  await bystanders.dismiss();
  await cluster.verify({ signals: ['SIGKILL'] });
});
