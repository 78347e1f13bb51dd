/** `npm run ok`: everything that must hold before a commit, each with one line; stops at the first that does not. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installationRoot } from '#base/installation.ts';

const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format and lint', 'biome', 'check', '--error-on-warnings', '.'],
  ['types', 'tsc', '-b'],
  ['unused code', 'knip', '--no-progress'],
  ['schema', 'buf', 'lint'],
  ['tests', 'node', 'tools/test.ts'],
];

for (const [name, command, ...args] of steps) {
  const started = performance.now();
  const { status } = spawnSync(join(installationRoot, 'node_modules/.bin', command), args, {
    cwd: installationRoot,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${join(installationRoot, 'node_modules/.bin')}:${process.env['PATH']}` },
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok' : 'NOT OK'}  ${name} (${seconds} s)`);
  if (status !== 0) {
    process.exitCode = 1;
    break;
  }
}
