/** A Slurm cluster of our own: munged, slurmctld and a slurmd for each node, all on the loopback of this machine. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Cgroup } from '#bench/measure/cgroup.ts';
import { checkInstalled, startDaemon, untilAnswers } from './daemons.ts';

const controllerPort = 26_817;
/** That of the first node; each has its own. */
const nodePort = 27_001;

/** A running cluster. Disposing of it ends it. */
export interface Slurm extends AsyncDisposable {
  /** Of its daemons; what runs in it as a client is counted with them. */
  readonly cgroup: Cgroup;
  /** For its commands. */
  readonly env: NodeJS.ProcessEnv;
}

/** Starts one with nodes n1 … nN and its files in `directory`. @throws SkippedError where there is no Slurm, or no cgroup. */
export async function startSlurm(directory: string, nodes: number): Promise<Slurm> {
  checkInstalled('/usr/sbin/munged', '/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/srun');
  const cgroup = Cgroup.create('slurm');
  const socket = startMunge(cgroup, directory);
  const file = join(directory, 'slurm.conf');
  writeFileSync(file, configuration(directory, socket, nodes));
  for (const place of ['state', 'spool']) mkdirSync(join(directory, place));
  const env = { SLURM_CONF: file };
  await untilAnswers(['munge', '--socket', socket, '--no-input']);
  startDaemon(cgroup, ['slurmctld', '-D', '-c', '-f', file]);
  for (let i = 1; i <= nodes; i++) startDaemon(cgroup, ['slurmd', '-D', '-N', `n${i}`, '-f', file]);
  const idle = new RegExp(`^${nodes} idle$`, 'm');
  await untilAnswers(['sinfo', '-h', '-o', '%D %t'], env, (printed) => idle.test(printed));
  return { cgroup, env, [Symbol.asyncDispose]: () => cgroup[Symbol.asyncDispose]() };
}

/** @returns its socket. */
function startMunge(cgroup: Cgroup, directory: string): string {
  const place = join(directory, 'munge');
  mkdirSync(place);
  const at = (name: string) => join(place, name);
  writeFileSync(at('key'), randomBytes(1_024), { mode: 0o400 });
  const files = ['key', 'pid', 'seed', 'log'].map((name) => {
    return `--${name}-file=${at(name)}`;
  });
  startDaemon(cgroup, ['munged', '-F', '--force', `--socket=${at('socket')}`, ...files]);
  return at('socket');
}

/** Everything that delays a launch is off, or as short as it can be. */
function configuration(directory: string, socket: string, nodes: number): string {
  const host = hostname().split('.', 1)[0];
  const at = (name: string) => join(directory, name);
  const lines = Array.from(
    { length: nodes },
    (_, i) =>
      `NodeName=n${i + 1} NodeAddr=127.0.2.${i + 1} NodeHostname=${host} Port=${nodePort + i} CPUs=64 RealMemory=1000`,
  );
  return `ClusterName=bench
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controllerPort}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${socket}
CredType=cred/munge
SlurmctldPidFile=${at('slurmctld.pid')}
SlurmdPidFile=${at('%n.pid')}
StateSaveLocation=${at('state')}
SlurmdSpoolDir=${at('spool')}/%n
SlurmctldLogFile=${at('slurmctld.log')}
SlurmdLogFile=${at('%n.log')}
SlurmctldDebug=error
SlurmdDebug=error
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,sched_interval=1,max_rpc_cnt=0,batch_sched_delay=0,bf_interval=30
SlurmdParameters=config_overrides
ReturnToService=2
TreeWidth=50
MinJobAge=30
PropagateResourceLimits=NONE
${lines.join('\n')}
PartitionName=all Nodes=n[1-${nodes}] Default=YES MaxTime=INFINITE State=UP
`;
}
