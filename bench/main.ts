/** `npm run bench [name]`: runs one measurement, or all of them one after the other. Each prints both sides and the ratio. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { installationRoot } from '#base/installation.ts';

const all = globSync('bench/*/bench.ts', { cwd: installationRoot }).map((file) => basename(dirname(file)));
const names = process.argv.slice(2);

console.log(
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Node ${process.version}\n`,
);
for (const name of names.length > 0 ? names : all) {
  const program = join(installationRoot, 'bench', name, 'bench.ts');
  if (!existsSync(program)) {
    console.error(`drover: no measurement ${JSON.stringify(name)}; there are ${all.join(', ')}`);
    process.exitCode = 2;
    break;
  }
  const { status } = spawnSync(process.execPath, [...process.execArgv, program], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
