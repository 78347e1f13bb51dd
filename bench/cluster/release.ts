/** The release as users have it, for measurements of whole programs: a checkout runs from sources, which costs more. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installationRoot } from '#base/installation.ts';

/** An unpacked release. Disposing of it removes it. */
export interface Release extends Disposable {
  /** Its launcher. */
  readonly drover: string;
  /** The Node.js that it brings. */
  readonly node: string;
}

/** Packs this checkout and unpacks it beneath .build: where TMPDIR is in memory, its files would count as somebody's memory. */
export function unpackRelease(): Release {
  const build = join(installationRoot, '.build');
  mkdirSync(build, { recursive: true });
  const directory = mkdtempSync(join(build, 'bench-'));
  const pack = join(installationRoot, 'tools', 'pack.ts');
  const archive = execFileSync(process.execPath, [pack, directory], { encoding: 'utf8' }).trim();
  execFileSync('tar', ['-xzf', archive, '-C', directory]);
  // Pages of a file that are not on the disk yet count as the memory of who has mapped them.
  execFileSync('sync');
  const root = join(directory, 'package');
  return {
    drover: join(root, 'bin', 'drover'),
    node: join(root, 'node', 'bin', 'node'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
