/**
 * One small command to every one of N connected agents, and all their answers: a launch (start down; starting, running and ended up;
 * acknowledged when they are on disk), and a question that touches no disk; CPU of the controller a command. The limit that they are set
 * against is the launch's bytes over bare TLS sockets, one write each way, by as many peers in as many processes.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackRelease } from '#bench/cluster/release.ts';
import { FleetCluster } from '#bench/fleet/fleet-cluster.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { startWorker } from '#bench/measure/worker.ts';
import { bytesOfLaunch } from './frames.ts';
import { enterLaunches, enterQuestions } from './launches.ts';
import type { Measured } from './measured.ts';
import { writePeers } from './peers.ts';

const { quick, rounds, size } = readBenchOptions();
const sizes = quick
  ? [20]
  : [200, 1_000, 2_000, 10_000].filter((each) => size === undefined || size === each);
/** Of one round, all fan-outs together: CPU is counted in hundredths of a second. */
const commandsPerRound = quick ? 20 : 4_000;

/** Ends at once. */
const command = ['sim', 'exit=0'] as const;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
using release = unpackRelease();
try {
  console.log(`fan-out: \`${command.join(' ')}\` on N agents, median of ${rounds} rounds (min–max)\n`);
  for (const agents of sizes) print(agents, await measure(agents));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measure(agents: number): Promise<Entry<Measured>[]> {
  const place = join(directory, String(agents));
  mkdirSync(place);
  const times = Math.max(1, Math.round(commandsPerRound / agents));
  await using cluster = await FleetCluster.start({ drover: release.drover, directory: place, agents });
  await cluster.startAgents();
  const { down, up } = await bytesOfLaunch(command, place);
  const peers = join(place, 'peers.json');
  writePeers(peers, cluster.nodes);
  const bareTls = [join(place, 'controller', 'pki'), peers, down, up, times].map(String);
  return await takeTurns<Measured>(
    {
      'bare TLS': () => startWorker(join(import.meta.dirname, 'bare-tls-worker.ts'), ...bareTls),
      launch: async () => enterLaunches(cluster, command, times),
      question: () => enterQuestions(cluster, times),
    },
    rounds,
  );
}

function print(agents: number, entries: readonly Entry<Measured>[]): void {
  const [limit = Number.NaN] = entries.map(cpuOf);
  console.log(`${agents} agents`);
  for (const entry of entries) {
    if ('skipped' in entry) continue;
    const wall = entry.rounds.map(({ seconds, commands }) => (seconds / commands) * agents * 1000);
    const cpu = entry.rounds.map(({ cpuSeconds, commands }) => (cpuSeconds / commands) * 1e6);
    const ratio = (cpuOf(entry) / limit).toFixed(2);
    console.log(
      `  ${entry.name.padEnd(10)} ${spread(wall)} ms`.padEnd(40) +
        `${spread(cpu)} µs CPU an agent`.padEnd(34) +
        `${ratio} × bare TLS`,
    );
  }
}

function cpuOf(entry: Entry<Measured>): number {
  const done = 'rounds' in entry ? entry.rounds : [];
  return median(done.map(({ cpuSeconds, commands }) => (cpuSeconds / commands) * 1e6));
}
