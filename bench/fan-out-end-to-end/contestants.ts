/** How each side runs `true` on all nodes, in the fastest way that it has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFleet } from '#bench/cluster/bench-fleet.ts';
import { Cgroup } from '#bench/measure/cgroup.ts';
import type { Contestant } from '#bench/measure/take-turns.ts';
import { checkInstalled } from '#bench/peers/daemons.ts';
import { startMcollective } from '#bench/peers/mcollective.ts';
import { startSlurm } from '#bench/peers/slurm.ts';
import type { SshHosts } from '#bench/peers/ssh-hosts.ts';

/** One command line, from its start to its end, on all nodes. */
export interface Measured {
  readonly wallMs: number;
  /** Of the command and of everything that took part in it: daemons, connections, processes. */
  readonly cpuMs: number;
}

/** What follows the end of the command on the nodes is counted too, if it comes within this. */
const aftermathMs = 300;

/** Clients of SSH that run at once: more are not faster on few processors. */
const sshAtOnce = 32;

/** Drover with real agents and supervisors. */
export async function enterDrover(
  drover: string,
  directory: string,
  nodes: number,
): Promise<Contestant<Measured>> {
  const cgroup = Cgroup.create('drover');
  const data = await startFleet(drover, directory, nodes, cgroup);
  const argv = [drover, 'run', '--data', data, '-w', '@all', '--', 'true'];
  return { ...command(cgroup, argv), [Symbol.asyncDispose]: () => cgroup[Symbol.asyncDispose]() };
}

/** ClusterShell over the hosts' open connections. @throws SkippedError */
export function enterClush(hosts: SshHosts, directory: string): Contestant<Measured> {
  checkInstalled('/usr/bin/clush');
  mkdirSync(directory);
  const settings = `[Main]\nfanout: ${sshAtOnce}\nssh_options: -F ${hosts.configuration}\nhistory_size: 0\n`;
  writeFileSync(join(directory, 'clush.conf'), settings);
  const argv = ['clush', '-q', '-S', '-w', hosts.addresses.join(','), 'true'];
  return command(hosts.cgroup, argv, { CLUSTERSHELL_CFGDIR: directory });
}

/** @throws SkippedError */
export function enterPdsh(hosts: SshHosts): Contestant<Measured> {
  checkInstalled('/usr/bin/pdsh');
  const argv = ['pdsh', '-R', 'ssh', '-S', '-f', `${sshAtOnce}`, '-w', hosts.addresses.join(','), 'true'];
  return command(hosts.cgroup, argv, { PDSH_SSH_ARGS_APPEND: `-F ${hosts.configuration}` });
}

/** GNU parallel with an ssh for each host. @throws SkippedError */
export function enterParallel(hosts: SshHosts, directory: string): Contestant<Measured> {
  checkInstalled('/usr/bin/parallel');
  const argv = ['parallel', '-j', `${sshAtOnce}`, 'ssh', '-F', hosts.configuration, '{}', 'true'];
  return command(hosts.cgroup, [...argv, ':::', ...hosts.addresses], { HOME: directory });
}

/** Ansible's raw module, which needs no Python on the hosts. @throws SkippedError */
export function enterAnsible(hosts: SshHosts, directory: string): Contestant<Measured> {
  checkInstalled('/usr/bin/ansible');
  mkdirSync(directory);
  const inventory = join(directory, 'hosts');
  writeFileSync(inventory, `${hosts.addresses.join('\n')}\n`);
  const argv = ['ansible', 'all', '-i', inventory, '-f', `${sshAtOnce}`, '-o', '-m', 'raw', '-a', 'true'];
  return command(hosts.cgroup, argv, {
    HOME: directory,
    ANSIBLE_SSH_ARGS: `-F ${hosts.configuration}`,
    ANSIBLE_LOCALHOST_WARNING: 'false',
  });
}

/** @throws SkippedError */
export async function enterSlurm(directory: string, nodes: number): Promise<Contestant<Measured>> {
  mkdirSync(directory);
  const { cgroup, env, ...slurm } = await startSlurm(directory, nodes);
  return { ...command(cgroup, ['srun', '-N', `${nodes}`, 'true'], env), ...slurm };
}

/** @throws SkippedError */
export async function enterMcollective(directory: string, nodes: number): Promise<Contestant<Measured>> {
  mkdirSync(directory);
  const { cgroup, configuration, ...mcollective } = await startMcollective(directory, nodes);
  const argv = ['mco', 'rpc', 'bench', 'run', 'command=true', '--config', configuration, '--no-progress'];
  return { ...command(cgroup, argv), ...mcollective };
}

/** A command line that is measured in a cgroup of somebody else's. */
function command(cgroup: Cgroup, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Contestant<Measured> {
  return {
    async measure() {
      const [file, ...args] = cgroup.enter(...argv);
      const cpuBefore = cgroup.cpuSeconds();
      const from = performance.now();
      const child = spawn(file, args, { stdio: 'ignore', env: { ...process.env, ...env } });
      const [code] = await once(child, 'exit');
      const wallMs = performance.now() - from;
      if (code !== 0) throw new Error(`${argv.slice(0, 2).join(' ')} … ended with ${code}`);
      await sleep(aftermathMs);
      return { wallMs, cpuMs: (cgroup.cpuSeconds() - cpuBefore) * 1_000 };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
