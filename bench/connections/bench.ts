/**
 * Ten thousand connected agents and nothing to do: what each costs the controller in memory, what their heartbeats cost it in CPU and
 * in delay of its event loop, and how long it takes until all are back after it was killed, with how much memory. With --quick
 * fifty for a moment.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackRelease } from '#bench/cluster/release.ts';
import { FleetCluster } from '#bench/fleet/fleet-cluster.ts';
import { readBenchOptions } from '#bench/measure/options.ts';
import { memoryOf } from '#bench/measure/process-memory.ts';
import { cpuSecondsOf } from '#bench/measure/process-tree.ts';
import { readAccess } from '#cli/access-file.ts';
import { controllerServerName } from '#protocol/version.ts';

const { quick } = readBenchOptions();
const agents = quick ? 50 : 10_000;
/** Until memory is given back that only the connecting needed. */
const settleMs = quick ? 500 : 10_000;
/** Three intervals of heartbeats. */
const steadyMs = quick ? 2_000 : 30_000;
const backWithinMs = 120_000;

const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'));
using release = unpackRelease();
try {
  console.log(`connections: ${agents} agents, once\n`);
  await using cluster = await FleetCluster.start({ drover: release.drover, directory, agents });
  await sleep(settleMs);
  const alone = memoryOf([cluster.controllerPid]).resident;
  await cluster.startAgents();
  await sleep(settleMs);
  const connected = memoryOf([cluster.controllerPid]).resident;
  const kibibytes = (connected - alone) / agents / 1024;
  console.log(
    `memory          ${kibibytes.toFixed(0)} KiB an agent (${mebibytes(alone)} MiB without any, ${mebibytes(connected)} with all)`,
  );
  await measureSteadyState(cluster);
  await measureRestart(cluster);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measureSteadyState({ controllerPid }: FleetCluster): Promise<void> {
  // Each look begins a new window.
  await loopLagP99();
  const [from, cpuFrom] = [performance.now(), cpuSecondsOf([controllerPid])];
  await sleep(steadyMs);
  const share = ((cpuSecondsOf([controllerPid]) - cpuFrom) * 1000) / (performance.now() - from);
  const lagMs = (await loopLagP99()) * 1000;
  console.log(
    `steady state    ${(share * 100).toFixed(0)} % of a core, loop lag p99 ${lagMs.toFixed(0)} ms (of which 10 are the look's own)`,
  );
}

async function measureRestart(cluster: FleetCluster): Promise<void> {
  const killedAtMs = Date.now();
  await cluster.restartController();
  const readyMs = Date.now() - killedAtMs;
  const { lastWelcomeAtMs } = await cluster.fleet.allLinked(backWithinMs, 2);
  const backMs = lastWelcomeAtMs - killedAtMs;
  const peak = peakBytesOf(cluster.controllerPid);
  console.log(
    `restart herd    all back after ${(backMs / 1000).toFixed(1)} s (controller ready after ${(readyMs / 1000).toFixed(1)}), peak ${mebibytes(peak)} MiB`,
  );
}

/** As the controller measures it itself, seconds, since the last time that anybody looked. */
async function loopLagP99(): Promise<number> {
  const { address, token, rootCertificate: ca } = readAccess(join(directory, 'controller'));
  const headers = { authorization: `Bearer ${token}` };
  const body = await new Promise<string>((resolve, reject) => {
    request(
      `https://${address}/metrics`,
      { ca, headers, servername: controllerServerName, agent: false },
      (response) => resolve(text(response)),
    )
      .once('error', reject)
      .end();
  });
  return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(body)?.[1]);
}

function peakBytesOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
