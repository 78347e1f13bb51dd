/**
 * A worker that launches by the whole of an agent's side: policy, journal, supervisor, monitors, log files. It is handed
 * orders and acknowledges events as a session does, in batches; only the network is missing.
 *
 * usage: agent-worker.ts DIRECTORY COUNT
 */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Accounts } from '#agent/host/accounts.ts';
import { resolveLaunch } from '#agent/host/resolve-launch.ts';
import { PolicyFile } from '#agent/policy/policy-file.ts';
import { writeStarterPolicy } from '#agent/policy/starter-policy.ts';
import { TaskHost } from '#agent/process/task-host.ts';
import { systemClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { cpuSecondsOf, findSupervisor, pidsOfTrees } from '#bench/measure/process-tree.ts';
import { serveMeasurements } from '#bench/measure/worker.ts';
import { endingOf } from '#core/outcome.ts';
import { type Event, StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { TaskSpecSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { taskIdFromBytes } from '#protocol/ids.ts';
import { measureLaunches } from './measured.ts';

const askAgainMs = 50;

const [directory = '', count = ''] = process.argv.slice(2);
await serve(directory, Number(count));

async function serve(state: string, launches: number): Promise<void> {
  await using host = await openHost(state);
  const { server = 0 } = findSupervisor(join(state, 'supervisor'));
  const cpuSeconds = async () => {
    // What living monitors have used is told in ticks, of which each rounds down: a server knows it whole once they have ended.
    while (pidsOfTrees([server]).length > 1) await sleep(askAgainMs);
    return cpuSecondsOf([process.pid, server]);
  };
  await serveMeasurements(() => measureLaunches(launches, cpuSeconds, () => launchAll(host, launches)));
  await host.shutdownSupervisor();
}

async function openHost(state: string): Promise<TaskHost> {
  const { uid, username } = userInfo();
  const policy = join(state, 'policy.yaml');
  await writeStarterPolicy(policy, 'open', { own: username, task: undefined });
  const policyFile = new PolicyFile({ path: policy, uid, clock: systemClock });
  const accounts = new Accounts(systemClock);
  return await TaskHost.open({
    directory: state,
    clock: systemClock,
    log: createLog('bench', 'silent'),
    decideLaunch: resolveLaunch({ policyFile, accounts, clock: systemClock, node: 'bench', agentUid: uid }),
    decideSignal: () => ({ allowed: true }),
  });
}

/** All are ordered at once; the agent's own limit keeps so many under way. */
async function launchAll(host: TaskHost, launches: number): Promise<void> {
  const all = Promise.withResolvers<void>();
  let ended = 0;
  let latest = 0n;
  const acknowledge = () => host.acknowledge(latest);
  using _listening = host.listen(0n, ({ attempt, sequence }: Event) => {
    if (sequence > latest) setImmediate(acknowledge);
    latest = sequence;
    if (attempt?.state !== TaskState.ENDED) return;
    if (!attempt.outcome || endingOf(attempt.outcome) !== 'succeeded') {
      all.reject(new Error(`a task ended with ${JSON.stringify(attempt.outcome)}`));
    }
    if (++ended === launches) all.resolve();
  });
  const spec = create(TaskSpecSchema, { argv: ['/bin/true'] });
  for (let i = 0; i < launches; i++) {
    host.start(create(StartSchema, { taskId: taskIdFromBytes(randomBytes(10)), attempt: 1, spec }));
  }
  await all.promise;
}
