/**
 * Canaries: the real tokens and keys of a real cluster of real processes are in nothing that it leaves, says or shows, but in the files
 * that exist to hold them, which are their owner's alone. Tried are files (store, journal, audit, logs, outputs), messages, command
 * lines of all processes, and the environments of tasks and of those who look after them.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { drover, startDrover, startUpCluster } from '#test/fixture/drover-command.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

/** Files that hold a secret: access to the cluster, and private keys. */
const keepers = /(^|\/)(access\.json|key\.pem|pki\/[a-z-]+\.pem)$/;

/** What no artefact may have of a secret: so much of its beginning. */
const tellingLength = 24;

function filesBeneath(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The parts of tokens and of private keys that nobody can guess. */
function secretsIn(text: string): string[] {
  const keys = [...text.matchAll(/PRIVATE KEY-----\n([^-]+)-----END/g)].flatMap(([, body = '']) => {
    // The first line of each key says its kind, and is the same in all of them.
    const base64 = body.replaceAll('\n', '');
    return [base64.slice(-64)];
  });
  const tokens = [...text.matchAll(/\bdv[a-z]?1\.\w+\.([\w-]{40,})/g)].map(([, secret = '']) => secret);
  return [...keys, ...tokens];
}

/** What /proc tells of every process, as far as it can be read. */
function ofProcesses(name: 'cmdline' | 'environ', wanted: (pid: string) => boolean = () => true): string {
  const read = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'latin1').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && wanted(pid))
    .map(read)
    .join('\n');
}

function isSupervisor(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('drover-');
  } catch {
    return false;
  }
}

test('no token and no private key is anywhere but where it is kept', async (t) => {
  const data = temporaryDirectory(t);
  const artefacts = new Map<string, string>();
  const secrets = new Set<string>();
  {
    await using cluster = await startUpCluster(data, 1);
    const said: string[] = [];
    const hear = async (...args: string[]) => {
      const { stdout, stderr } = await cluster.run(...args);
      said.push(stdout, stderr);
    };
    const made = await cluster.run('join-token', 'create');
    const [joinToken = ''] = /\bdvj?1\.\S+/.exec(made.stdout + made.stderr) ?? [];
    const [address = ''] = /127\.0\.0\.1:\d+/.exec(made.stdout) ?? [];
    for (const secret of secretsIn(joinToken)) secrets.add(secret);

    // A node that joins by its command line, where everybody could read it.
    const directory = join(data, 'nodes', 'another');
    const joining = ['agent', '--join', joinToken, '--controller', address, '--name', 'another'];
    const agent = startDrover([...joining, '--data', directory, '--until-stdin-closes'], { data });
    const logged: string[] = [];
    const log = agent.stderr?.on('data', (chunk) => logged.push(String(chunk)));
    assert.ok(agent.stdout && log);
    for await (const line of createInterface({ input: agent.stdout })) if (line === 'ready another') break;

    await hear('run', '-w', '@all', '--', 'env');
    await hear('run', '-d', '-w', 'node1', '--', 'sleep', '30');
    await hear('run', '-w', 'nosuchnode', '--', 'true');
    for (const words of [
      'nodes',
      'ps',
      'events',
      'audit',
      'audit export',
      'join-token list',
      'nodes show node1',
    ]) {
      await hear(...words.split(' '));
    }
    const used = await drover([...joining, '--data', join(data, 'late')], { data });
    said.push(used.stdout, used.stderr);
    artefacts.set('command lines', ofProcesses('cmdline'));
    artefacts.set('environments of supervisors and monitors', ofProcesses('environ', isSupervisor));
    agent.stdin?.end();
    await new Promise((resolve) => agent.once('close', resolve));
    artefacts.set('messages', said.join('\n'));
    artefacts.set('log of the agent', logged.join(''));
  }
  for (const path of filesBeneath(data)) {
    const text = readFileSync(path, 'latin1');
    if (!keepers.test(path)) {
      artefacts.set(relative(data, path), text);
      continue;
    }
    assert.equal(statSync(path).mode & 0o077, 0, `${path} can be read by others`);
    for (const secret of secretsIn(text)) secrets.add(secret);
  }
  assert.ok(secrets.size >= 7, `${secrets.size} secrets are too few: the test has lost its canaries`);
  assert.ok(artefacts.size > 20, `${artefacts.size} artefacts are too few`);
  assert.match(artefacts.get('messages') ?? '', /DROVER_TASK=/);
  for (const [name, text] of artefacts) {
    for (const secret of secrets) {
      assert.equal(text.includes(secret.slice(0, tellingLength)), false, `a secret is in: ${name}`);
    }
  }
});
