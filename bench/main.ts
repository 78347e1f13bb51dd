/**
 * `npm run bench -- [NAME…] [--quick]`: runs these measurements, or all of them, one after the other. Each prints both sides
 * and the ratio. With --quick each does a little once, to see that it works.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { installationRoot } from '#base/installation.ts';
import { describeMachine, explainBusy, watchSteal } from './measure/machine.ts';

const all = globSync('bench/*/bench.ts', { cwd: installationRoot }).map((file) => basename(dirname(file)));
const words = process.argv.slice(2);
const names = words.filter((word) => !word.startsWith('--'));
const options = words.filter((word) => word.startsWith('--'));

console.log(describeMachine());
for (const name of names.length > 0 ? names : all.sort()) {
  const program = join(installationRoot, 'bench', name, 'bench.ts');
  if (!existsSync(program)) {
    console.error(`drover: no measurement ${JSON.stringify(name)}; there are ${all.join(', ')}`);
    process.exitCode = 2;
    break;
  }
  const busy = await explainBusy();
  console.log(busy === undefined ? '' : `\nNOTE: ${busy}\n`);
  const stolen = watchSteal();
  const { status } = spawnSync(process.execPath, [...process.execArgv, program, ...options], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
  console.log(`\n(${stolen()} of the processors' time went to other guests of the host meanwhile)`);
}
