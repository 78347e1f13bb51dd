/** Launches by the whole of an agent's side: policy seam, journal, supervisor, monitors, log files. */
import { readdirSync, readFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import type { DecideLaunch } from '#agent/process/launch-decision.ts';
import { TaskHost } from '#agent/process/task-host.ts';
import { systemClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { endingOf } from '#core/outcome.ts';
import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { taskIdFromBytes } from '#protocol/ids.ts';
import type { Measured } from './measured.ts';

const decideLaunch: DecideLaunch = async (_start, workspace) => ({
  allowed: true,
  launch: {
    binary: '/bin/true',
    argv: ['/bin/true'],
    cwd: workspace,
    env: ['PATH=/usr/bin:/bin'],
    identity: undefined,
    umask: 0o22,
    noNewPrivs: false,
  },
});

/** Runs `count` tasks on one agent; its own limit keeps 64 starts in flight. */
export async function launchByAgent(directory: string, count: number): Promise<Measured> {
  await using host = await TaskHost.open({
    directory,
    clock: systemClock,
    log: createLog('bench', 'silent'),
    decideLaunch,
    decideSignal: () => ({ allowed: true }),
  });
  const all = Promise.withResolvers<void>();
  let ended = 0;
  using _listening = host.listen(0n, ({ attempt, sequence }) => {
    if (attempt?.state !== TaskState.ENDED) return;
    if (!attempt.outcome || endingOf(attempt.outcome) !== 'succeeded') {
      all.reject(new Error(`a task ended with ${JSON.stringify(attempt.outcome)}`));
    }
    host.acknowledge(sequence);
    if (++ended === count) all.resolve();
  });
  const server = findServer(directory);
  const cpuBefore = cpuSeconds(server);
  const from = performance.now();
  for (let i = 0; i < count; i++) host.start(create(StartSchema, { taskId: taskId(i), attempt: 1 }));
  await all.promise;
  const seconds = (performance.now() - from) / 1000;
  const cpu = cpuSeconds(server) - cpuBefore;
  await host.shutdownSupervisor();
  return { launches: count, seconds, cpuSeconds: cpu };
}

function taskId(i: number): string {
  const bytes = Buffer.alloc(10);
  for (let digit = 0, rest = i; digit < 10; digit++, rest = Math.floor(rest / 26)) bytes[digit] = rest % 26;
  return taskIdFromBytes(bytes);
}

/** This process's CPU and the supervisor's with all that it has reaped (monitors, tasks). */
function cpuSeconds(server: string): number {
  const own = process.cpuUsage();
  const fields = readFileSync(`/proc/${server}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return (own.user + own.system) / 1e6 + ticks / 100;
}

function findServer(directory: string): string {
  const found = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return line.includes('drover-supervisor') && line.includes(directory);
    } catch {
      return false;
    }
  });
  if (!found) throw new Error(`no supervisor of ${directory} is running`);
  return found;
}
