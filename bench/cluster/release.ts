/** The release as users have it, for measurements of whole programs: a checkout runs from sources, which costs more. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { installationRoot } from '#base/installation.ts';

/** Packs this checkout and unpacks it in `directory`. @returns path of its `drover`. */
export function unpackRelease(directory: string): string {
  const pack = join(installationRoot, 'tools', 'pack.ts');
  const archive = execFileSync(process.execPath, [pack, directory], { encoding: 'utf8' }).trim();
  execFileSync('tar', ['-xzf', archive, '-C', directory]);
  return join(directory, 'package', 'bin', 'drover');
}
