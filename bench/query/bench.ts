/**
 * One page of fifty tasks over the API, filtered and newest first, out of a thousand, a hundred thousand and a million: the limit
 * is that it does not matter how many there are. Each question is asked by one caller, one time after the other.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startController } from '#bench/cluster/bench-cluster.ts';
import { unpackRelease } from '#bench/cluster/release.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median } from '#bench/measure/statistics.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { fillStore } from './fill-store.ts';

const { quick, size } = readBenchOptions();
const sizes = quick
  ? [100, 1_000]
  : [1_000, 100_000, 1_000_000].filter((each) => size === undefined || size === each);
const times = quick ? 5 : 300;
const warmUps = quick ? 1 : 50;

const pageSize = 50;

/** What is asked, in the words of the command line. */
const questions: Readonly<Record<string, (connection: Connection) => Promise<unknown>>> = {
  'ps --all': ({ tasks }) => tasks.listTasks({ pageSize }),
  'ps (active only)': ({ tasks }) => tasks.listTasks({ query: { states: activeStates }, pageSize }),
  'ps --all, ended': ({ tasks }) => tasks.listTasks({ query: { states: [TaskState.ENDED] }, pageSize }),
  'ps --all -w sim7': ({ tasks }) => tasks.listTasks({ query: { nodes: 'sim7' }, pageSize }),
  'ps --all -w sim[1-100]': ({ tasks }) => tasks.listTasks({ query: { nodes: 'sim[1-100]' }, pageSize }),
  'ps --all -l role=db, ended': ({ tasks }) =>
    tasks.listTasks({ query: { selector: 'role=db', states: [TaskState.ENDED] }, pageSize }),
  'the fifth page': async ({ tasks }) => {
    let pageToken = '';
    for (let page = 0; page < 5; page++)
      pageToken = (await tasks.listTasks({ pageSize, pageToken })).nextPageToken;
  },
};

const activeStates = [
  TaskState.PENDING,
  TaskState.STARTING,
  TaskState.RUNNING,
  TaskState.STOPPING,
  TaskState.WAITING,
];

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
using release = unpackRelease();
try {
  const all = new Map<number, ReadonlyMap<string, Percentiles>>();
  for (const size of sizes) all.set(size, await measure(size));
  print(all);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

async function measure(size: number): Promise<ReadonlyMap<string, Percentiles>> {
  const data = join(directory, String(size));
  // Its first start makes its certificates.
  await (await startController(release.drover, data))[Symbol.asyncDispose]();
  await fillStore(join(data, 'drover.db'), size);
  await using controller = await startController(release.drover, data);
  const found = new Map<string, Percentiles>();
  for (const [name, ask] of Object.entries(questions)) {
    const took: number[] = [];
    for (let i = 0; i < warmUps + times; i++) {
      const from = performance.now();
      await ask(controller.connection);
      if (i >= warmUps) took.push(performance.now() - from);
    }
    took.sort((a, b) => a - b);
    found.set(name, { p50: median(took), p99: took[Math.floor(took.length * 0.99)] ?? Number.NaN });
  }
  return found;
}

function print(all: ReadonlyMap<number, ReadonlyMap<string, Percentiles>>): void {
  console.log(`query: a page of ${pageSize} by one caller, ${times} times, ms: median, p99\n`);
  console.log(
    `${''.padEnd(28)}${sizes.map((size) => `of ${size.toLocaleString('en')}`.padEnd(18)).join('')}`,
  );
  for (const name of Object.keys(questions)) {
    const figures = sizes.map((size) => {
      const { p50 = Number.NaN, p99 = Number.NaN } = all.get(size)?.get(name) ?? {};
      return `${p50.toFixed(1)}, ${p99.toFixed(1)}`.padEnd(18);
    });
    console.log(`${name.padEnd(28)}${figures.join('')}`);
  }
}
