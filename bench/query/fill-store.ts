/** A store with many tasks in it, as a cluster of a thousand nodes leaves them: nearly all ended, most well, a few running. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { v7 as uuid } from 'uuid';
import { openSqliteStore } from '#controller/store/open-store.ts';
import type { RunRecord, StoreWriter } from '#controller/store/store.ts';
import { exited } from '#core/outcome.ts';
import { runCounts } from '#core/run-counts.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { HostFactsSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import {
  AttemptSchema,
  Cause,
  ResourceUsageSchema,
  RunSchema,
  type Task,
  TaskSchema,
  TaskSpecSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';

/** Nodes of the cluster; each run has a task on every one. */
export const nodeCount = 1_000;

const gibibyte = 1n << 30n;
/** As a small server tells them. */
const facts = create(HostFactsSchema, {
  hostname: 'sim1',
  os: 'Debian GNU/Linux 12 (bookworm)',
  kernel: '6.1.0-28-amd64',
  arch: 'x86_64',
  cpus: 4,
  memoryBytes: 16n * gibibyte,
  bootId: uuid(),
  disks: [{ mount: '/', type: 'ext4', sizeBytes: 100n * gibibyte, freeBytes: 60n * gibibyte }],
  addresses: ['192.0.2.1'],
  loadMillis: [120, 90, 80],
  memoryAvailableBytes: 12n * gibibyte,
});

/** Tasks of one transaction. */
const runTasksMax = nodeCount;

/** One task in so many has not ended. */
const runningOneIn = 1_000;

/** Writes so many tasks into the store at `path`, which is made if need be. */
export async function fillStore(path: string, tasks: number): Promise<void> {
  await using store = await openSqliteStore({ path });
  await store.transact(insertNodes);
  for (let done = 0; done < tasks; done += runTasksMax) {
    const count = Math.min(runTasksMax, tasks - done);
    await store.transact((writer) => insertRun(writer, done, count));
  }
}

async function insertNodes(writer: StoreWriter): Promise<void> {
  for (let i = 1; i <= nodeCount; i++) {
    await writer.insertNode({
      name: `sim${i}`,
      keyFingerprint: `fingerprint ${i}`,
      labels: { role: i % 10 === 0 ? 'db' : 'web' },
      joinedAtMs: Date.now(),
      seenAtMs: undefined,
      address: '',
      version: '',
      facts,
      journalId: '',
      acknowledgedEvent: 0n,
      drain: undefined,
    });
  }
}

async function insertRun(writer: StoreWriter, first: number, count: number): Promise<void> {
  const spec = create(TaskSpecSchema, { argv: ['backup', '--all'] });
  const id = uuid();
  const createdAt = timestampFromMs(Date.now());
  const counts = runCounts(count, new Map());
  const run = create(RunSchema, {
    id,
    spec,
    nodes: `sim[1-${count}]`,
    createdBy: 'admin',
    createdAt,
    counts,
  });
  const record: RunRecord = { run, digest: '', whenUnreachable: WhenUnreachable.FAIL };
  await writer.insertRun(record);
  const tasks = Array.from({ length: count }, (_, i) => taskOf(record, first + i, `sim${i + 1}`));
  await writer.insertTasks(tasks);
}

/** Ids in no order, as real ones are. */
function taskOf({ run }: RunRecord, number: number, node: string): Task {
  const isRunning = number % runningOneIn === 0;
  const { createdAt, spec, id: runId } = run;
  const at = createdAt ?? timestampFromMs(0);
  const state = isRunning ? TaskState.RUNNING : TaskState.ENDED;
  const ended = { outcome: exited(number % 50 === 0 ? 1 : 0), cause: Cause.ITSELF };
  const usage = create(ResourceUsageSchema, { userUs: 412n, systemUs: 655n, maxRssBytes: 1_777_664n });
  const attempt = create(AttemptSchema, {
    number: 1,
    state,
    stateAt: at,
    pid: 2 + (number % 4_000_000),
    startedAt: at,
    binary: '/usr/bin/backup',
    ...(isRunning ? {} : { ...ended, endedAt: at, usage }),
  });
  const task = create(TaskSchema, {
    id: idOf(number),
    runId,
    node,
    state,
    createdAt: at,
    attempts: [attempt],
    ...(isRunning ? {} : ended),
  });
  if (spec) task.spec = spec;
  return task;
}

function idOf(number: number): string {
  const scattered = (BigInt(number + 1) * 0x9e3779b97f4a7c15n) & 0xffff_ffff_ffff_ffffn;
  return `a${scattered.toString(32).padStart(13, '0').slice(-13)}aa`;
}
