/**
 * Installs the peers that measurements compare with: `bin/drover-node bench/peers/setup.ts`. PM2 goes into .build/peers, out of
 * this project's dependencies; the others are the system's packages, which needs root and apt-get. Their services need not run:
 * measurements start daemons of their own.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { pm2Directory, pm2Version } from './pm2.ts';

const packages = [
  ...['supervisor', 'openssh-server', 'openssh-client', 'clustershell', 'pdsh', 'parallel', 'ansible-core'],
  ...['slurm-wlm', 'slurm-client', 'munge', 'mcollective', 'mcollective-client', 'rabbitmq-server'],
];

mkdirSync(pm2Directory, { recursive: true });
install('npm', 'install', '--prefix', pm2Directory, '--no-audit', '--no-fund', `pm2@${pm2Version}`);
install('apt-get', 'install', '-y', '--no-install-recommends', ...packages);

function install(command: string, ...args: string[]): void {
  console.log(`${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status === 0) return;
  console.error(`drover: ${command} failed${error ? `: ${error.message}` : ''}`);
  process.exitCode = 1;
}
