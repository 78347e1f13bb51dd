/**
 * Hosts that are reached by SSH: an sshd each on a loopback address of its own, and clients' configuration that keeps one
 * connection to each open and multiplexes over it, which is the fastest way there is.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cgroup } from '#bench/measure/cgroup.ts';
import { checkInstalled, startDaemon, untilAnswers } from './daemons.ts';

const sshd = '/usr/sbin/sshd';
const port = 2222;
/** Where sshd changes its root to while it knows nobody; it insists on it. */
const emptyDirectory = '/run/sshd';

/** Running hosts. Disposing of it ends them, and the connections. */
export interface SshHosts extends AsyncDisposable {
  /** Of the servers; what runs in it as a client is counted with them. */
  readonly cgroup: Cgroup;
  readonly addresses: readonly string[];
  /** For `ssh -F`. */
  readonly configuration: string;
}

/** Starts so many, 250 at the most, with their files in `directory`. @throws SkippedError where there is no SSH, or no cgroup. */
export async function startSshHosts(directory: string, count: number): Promise<SshHosts> {
  checkInstalled(sshd, '/usr/bin/ssh');
  const cgroup = Cgroup.create('ssh');
  const madeEmpty = mkdirSync(emptyDirectory, { recursive: true }) !== undefined;
  for (const key of ['host-key', 'client-key']) {
    const path = join(directory, key);
    if (!existsSync(path)) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  }
  mkdirSync(join(directory, 'home'));
  const configuration = join(directory, 'ssh_config');
  writeFileSync(configuration, clientConfiguration(directory));
  writeFileSync(join(directory, 'known_hosts'), `[127.0.1.*]:${port} ${publicKey(directory, 'host-key')}\n`);
  writeFileSync(join(directory, 'sshd_config'), serverConfiguration(directory));
  const addresses = Array.from({ length: count }, (_, i) => `127.0.1.${i + 1}`);
  for (const address of addresses) {
    const args = ['-D', '-f', join(directory, 'sshd_config'), '-o', `ListenAddress=${address}:${port}`];
    startDaemon(cgroup, [sshd, ...args]);
  }
  for (const address of addresses) {
    // Not over a connection that stays: the clients are to open theirs in the cgroup.
    await untilAnswers(['ssh', '-F', configuration, '-o', 'ControlMaster=no', address, 'true']);
  }
  return {
    cgroup,
    addresses,
    configuration,
    async [Symbol.asyncDispose]() {
      await cgroup[Symbol.asyncDispose]();
      if (madeEmpty) rmdirSync(emptyDirectory);
    },
  };
}

function publicKey(directory: string, name: string): string {
  return readFileSync(join(directory, `${name}.pub`), 'utf8')
    .split(' ', 2)
    .join(' ');
}

/** The shells there have a home with nothing in it: what somebody's start-up files cost is no part of this. */
function serverConfiguration(directory: string): string {
  return `HostKey ${join(directory, 'host-key')}
AuthorizedKeysFile ${join(directory, 'client-key.pub')}
SetEnv HOME=${join(directory, 'home')}
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 1000
MaxSessions 1000
PidFile none
LogLevel ERROR
`;
}

function clientConfiguration(directory: string): string {
  return `Host 127.0.1.*
  Port ${port}
  IdentityFile ${join(directory, 'client-key')}
  IdentitiesOnly yes
  UserKnownHostsFile ${join(directory, 'known_hosts')}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  LogLevel ERROR
  PreferredAuthentications publickey
  ControlMaster auto
  ControlPath ${join(directory, '%h')}
  ControlPersist yes
`;
}
