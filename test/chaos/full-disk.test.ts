import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { ChaosCluster, killDaemon } from './chaos-cluster.ts';
import { exits, waits, writes } from './commands.ts';
import { testInNamespace } from './in-namespace.ts';

const place = { file: import.meta.filename, unshare: [] };

/** A cluster whose node keeps what is in the directory `name` of its state on a disk of its own. */
async function startOnSmallDisk(t: TestContext, name: string, size: string): Promise<[ChaosCluster, string]> {
  const cluster = await ChaosCluster.start(t, { nodes: 0 });
  const directory = join(cluster.directoryOf(), name);
  mkdirSync(directory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'chaos', directory]);
  cluster.defer(() => execFileSync('umount', [directory]));
  await cluster.startAgent();
  return [cluster, directory];
}

/** Leaves no block free; gives what frees them again. */
function fill(directory: string): () => void {
  const path = join(directory, 'filler');
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    closeSync(file);
  }
  assert.equal(statfsSync(directory).bavail, 0);
  return () => rmSync(path);
}

/** Launches until a task ends in that way, and gives the reason for a refusal. */
async function untilEndedAs(cluster: ChaosCluster, kind: 'exited' | 'notStarted'): Promise<string> {
  // What is left of a block lets some launches pass; and a journal is tried again each second only.
  for (let tries = 0; tries < 200; tries++) {
    const ids = await cluster.launch(exits(2));
    await cluster.untilState(TaskState.ENDED, ids);
    const outcome = (await cluster.tasks(ids))[0]?.outcome?.kind;
    if (outcome?.case === kind) return outcome.case === 'notStarted' ? outcome.value.reason : '';
  }
  assert.fail(`no launch ended as ${kind}`);
}

testInNamespace(
  "14: the agent's disk is full: launches are refused with the reason, exits are kept",
  place,
  async (t) => {
    const [cluster, disk] = await startOnSmallDisk(t, '', '4m');
    await cluster.launch(waits(5), { count: 10 });
    await cluster.untilState(TaskState.RUNNING);
    const free = fill(disk);
    assert.match(await untilEndedAs(cluster, 'notStarted'), /no space left|ENOSPC/i);

    const pid = cluster.agent().pid;
    await killDaemon(cluster.agent());
    await cluster.gate.open();
    await cluster.startAgent();
    assert.notEqual(cluster.agent().pid, pid);
    assert.match(await untilEndedAs(cluster, 'notStarted'), /no space left|ENOSPC/i);

    free();
    await untilEndedAs(cluster, 'exited');
    await cluster.verify({ notStarted: /no space left|ENOSPC/i, outputLost: true });
  },
);

testInNamespace(
  '14: the disk of the logs is full: no task is held up, and its end is its own',
  place,
  async (t) => {
    const [cluster, disk] = await startOnSmallDisk(t, 'tasks', '1m');
    const ids = await cluster.launch(writes(3_000, 6), { count: 4 });
    await cluster.untilState(TaskState.RUNNING);
    const free = fill(disk);
    await cluster.gate.open();
    await cluster.untilState(TaskState.ENDED, ids);
    free();
    for (const task of await cluster.tasks(ids)) assert.ok(task.attempts[0]?.logDiskFullAt);
    const [later] = await cluster.launch(exits(1));
    assert.ok(later);
    await cluster.untilState(TaskState.ENDED, [later]);
    assert.equal((await cluster.tasks([later]))[0]?.attempts[0]?.logDiskFullAt, undefined);
    await cluster.verify({ outputLost: true });
  },
);
