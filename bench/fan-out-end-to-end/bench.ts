/**
 * One short command on N nodes, from the start of the command line to its end: `drover run -w @all -- true` with real agents and
 * supervisors against the tools that people use for it, each warm: connections are open, daemons have done it before. All nodes
 * are on this machine, which does the work of everybody; so CPU time counts as much as the time itself.
 *
 * `--nodes=10,50` measures with so many nodes, `--against=clush,srun` only against these.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { unpackRelease } from '#bench/cluster/release.ts';
import { roundsOf } from '#bench/measure/options.ts';
import { median, spread } from '#bench/measure/statistics.ts';
import { type Entrants, type Entry, takeTurns } from '#bench/measure/take-turns.ts';
import { type SshHosts, startSshHosts } from '#bench/peers/ssh-hosts.ts';
import {
  enterAnsible,
  enterClush,
  enterDrover,
  enterMcollective,
  enterParallel,
  enterPdsh,
  enterSlurm,
  type Measured,
} from './contestants.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    nodes: { type: 'string' },
    against: { type: 'string' },
  },
});
const counts = (values.nodes ?? (values.quick ? '3' : '10,50,100,200')).split(',').map(Number);
const against = values.against?.split(',');

using release = unpackRelease();
for (const nodes of counts) await compare(nodes);

async function compare(nodes: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
  try {
    await using stack = new AsyncDisposableStack();
    let started: Promise<SshHosts> | undefined;
    const hosts = async () => {
      started ??= startSshHosts(directory, nodes).then((running) => stack.use(running));
      return await started;
    };
    const at = (name: string) => join(directory, name);
    const peers: Entrants<Measured> = {
      clush: async () => enterClush(await hosts(), at('clush')),
      pdsh: async () => enterPdsh(await hosts()),
      parallel: async () => enterParallel(await hosts(), directory),
      ansible: async () => enterAnsible(await hosts(), at('ansible')),
      srun: () => enterSlurm(at('slurm'), nodes),
      mcollective: () => enterMcollective(at('mcollective'), nodes),
    };
    const chosen = Object.entries(peers).filter(([name]) => against?.includes(name) ?? true);
    const drover = () => enterDrover(release.drover, at('drover'), nodes);
    print(nodes, await takeTurns({ drover, ...Object.fromEntries(chosen) }, roundsOf(values)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function print(nodes: number, entries: readonly Entry<Measured>[]): void {
  console.log(`fan-out-end-to-end: true on ${nodes} nodes, median of ${roundsOf(values)} rounds (min–max)\n`);
  const [drover] = entries.map(medians);
  for (const entry of entries) {
    const name = entry.name.padEnd(12);
    if ('skipped' in entry) {
      console.log(`${name} skipped: ${entry.skipped}`);
      continue;
    }
    const own = medians(entry);
    const wall = `${spread(entry.rounds.map(({ wallMs }) => wallMs))} ms`.padEnd(24);
    const cpu = `${spread(entry.rounds.map(({ cpuMs }) => cpuMs))} ms CPU`.padEnd(28);
    const ratio = (theirs: number, ours = Number.NaN) => (theirs / ours).toFixed(2);
    const ratios = `${ratio(own.wallMs, drover?.wallMs)} × the time, ${ratio(own.cpuMs, drover?.cpuMs)} × the CPU of drover`;
    console.log(`${name} ${wall} ${cpu} ${ratios}`);
  }
  console.log();
}

function medians(entry: Entry<Measured>): Measured {
  const done = 'rounds' in entry ? entry.rounds : [];
  return {
    wallMs: median(done.map(({ wallMs }) => wallMs)),
    cpuMs: median(done.map(({ cpuMs }) => cpuMs)),
  };
}
