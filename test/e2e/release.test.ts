/** What a second machine gets: the archive, installed where there is no checkout and no Node.js, joins the cluster. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { installationRoot } from '#base/installation.ts';
import { drover, startDrover, startUpCluster } from '#test/fixture/drover-command.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const withoutNode = { PATH: '/usr/bin:/bin' };

test('the release archive, unpacked or installed by npm, joins a cluster from elsewhere', async (t) => {
  const directory = temporaryDirectory(t);
  const archive = execFileSync(process.execPath, [join(installationRoot, 'tools/pack.ts'), directory], {
    encoding: 'utf8',
  }).trim();
  await using cluster = await startUpCluster(join(directory, 'data'), 1);
  const access = JSON.parse(readFileSync(join(cluster.data, 'controller', 'access.json'), 'utf8'));
  const controller = new URL(access.address).host;

  const unpacked = join(directory, 'unpacked');
  mkdirSync(unpacked);
  execFileSync('tar', ['-xzf', archive, '-C', unpacked]);
  execFileSync('npm', ['install', '--global', '--offline', '--prefix', join(directory, 'npm'), archive], {
    stdio: 'ignore',
  });

  const manual = readFileSync(join(unpacked, 'package', 'share/man/man1/drover.1'), 'utf8');
  assert.match(manual, /^\.TH DROVER 1 /);
  const page = join('share', 'man', 'man1', 'drover.1');
  assert.equal(readFileSync(join(directory, 'npm', page), 'utf8'), manual, 'npm links it');

  for (const [name, launcher] of [
    ['elsewhere1', join(unpacked, 'package', 'bin', 'drover')],
    ['elsewhere2', join(directory, 'npm', 'bin', 'drover')],
  ] as const) {
    const options = { data: cluster.data, drover: launcher, env: withoutNode };
    const made = await drover(['join-token', 'create', '-o', 'json'], options);
    assert.equal(made.code, 0, made.stderr);
    const { token } = JSON.parse(made.stdout);
    const args = ['agent', '--join', token, '--controller', controller, '--name', name, '--preset', 'open'];
    const agent = startDrover([...args, '--data', join(directory, name)], options);
    const closed = once(agent, 'close');
    try {
      const lines = createInterface({ input: agent.stdout ?? process.stdin });
      assert.deepEqual(await once(lines, 'line'), [`ready ${name}`]);
      const result = await drover(['run', '-w', name, '--', 'echo', 'from elsewhere'], options);
      assert.equal(result.code, 0, result.stderr);
      assert.match(result.stdout, /from elsewhere/);
      const again = await drover([...args, '--data', join(directory, 'again')], options);
      assert.equal(again.code, 7, again.stderr);
      assert.match(again.stderr, /token/);
    } finally {
      agent.kill('SIGTERM');
      await closed;
    }
  }
});
