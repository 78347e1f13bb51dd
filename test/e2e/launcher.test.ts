import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { installationRoot } from '#base/installation.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const coreutils = ['uname', 'readlink', 'sh', 'ls'];

/** The launchers alone, without the Node.js that they look for, and a PATH that holds this `node` script, if any. */
function bareLauncher(t: TestContext, node?: string): { drover: string; path: string } {
  const directory = temporaryDirectory(t);
  cpSync(join(installationRoot, 'bin'), join(directory, 'bin'), { recursive: true });
  const path = join(directory, 'path');
  mkdirSync(path);
  for (const name of coreutils) symlinkSync(`/bin/${name}`, join(path, name));
  if (node !== undefined) writeFileSync(join(path, 'node'), `#!/bin/sh\n${node}\n`, { mode: 0o755 });
  return { drover: join(directory, 'bin', 'drover'), path };
}

test('bin/drover without any Node.js says in one line what to do', (t) => {
  const { drover, path } = bareLauncher(t);
  const { status, stderr } = spawnSync(drover, ['help'], { env: { PATH: path }, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^drover: no Node\.js 24 or newer here: .*\n$/);
});

test('bin/drover does not run on an older Node.js', (t) => {
  const { drover, path } = bareLauncher(t, 'echo 20');
  const { status, stderr } = spawnSync(drover, ['help'], { env: { PATH: path }, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^drover: no Node\.js 24 or newer here: .*\n$/);
});

test('bin/drover takes the system Node.js when that is new enough', (t) => {
  const { drover, path } = bareLauncher(t, 'case $1 in -p) echo 24 ;; *) echo "ran $*" ;; esac');
  const { status, stdout } = spawnSync(drover, ['help'], { env: { PATH: path }, encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /^ran .*main\.ts help\n$/);
});

test('bin/drover keeps what is meant for us from Node.js, which would take settings from files', (t) => {
  const directory = temporaryDirectory(t);
  const canary = join(directory, 'canary');
  const script = join(directory, 'preload.cjs');
  writeFileSync(script, `require('node:fs').writeFileSync(${JSON.stringify(canary)}, '')`);
  const env = join(directory, 'env');
  writeFileSync(env, `NODE_OPTIONS=--require=${script}\n`);
  const config = join(directory, 'node.config.json');
  writeFileSync(config, JSON.stringify({ nodeOptions: { require: script } }));
  const drover = join(installationRoot, 'bin', 'drover');
  for (const [args, code, line] of [
    [
      ['run', '--env-file', join(directory, 'none'), '-w', 'a', 'x'],
      2,
      /^drover: --env-file: cannot read .*none: /,
    ],
    [['run', '--env-file', env, '--', 'x'], 2, /^drover run: on which nodes\?/],
    [['run', `--env-file=${env}`, '--', 'x'], 2, /^drover run: on which nodes\?/],
    [['run', '--', 'node', '--env-file', env], 2, /^drover run: on which nodes\?/],
    [['run', '--', 'node', `--experimental-config-file=${config}`], 2, /^drover run: on which nodes\?/],
    [['run', '--', 'node', '--experimental-default-config-file'], 2, /^drover run: on which nodes\?/],
    [['agent', '--env-file', env], 2, /^drover agent: there is no option --env-file\n$/],
    [['controller', '--env-file', env], 2, /^drover controller: there is no option --env-file\n$/],
  ] as const) {
    const { status, stderr } = spawnSync(drover, args, { cwd: directory, encoding: 'utf8' });
    assert.equal(status, code, stderr);
    assert.match(stderr, line);
    assert.equal(existsSync(canary), false, args.join(' '));
  }
});

test('bin/drover refuses arguments that are no UTF-8', () => {
  const drover = join(installationRoot, 'bin', 'drover');
  const command = `"$1" run -w "$(printf '\\377')" -- true`;
  const { status, stderr } = spawnSync('sh', ['-c', command, 'sh', drover], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /^drover run: .* is not valid UTF-8\n$/);
});

test('bin/drover works through a symbolic link', (t) => {
  const link = join(temporaryDirectory(t), 'drover');
  symlinkSync(join(installationRoot, 'bin', 'drover'), link);
  const { status, stdout } = spawnSync(link, ['--version'], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /\d+\.\d+\.\d+/);
});
