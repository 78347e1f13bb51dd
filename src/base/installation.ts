/**
 * Where this installation's own files are, in a checkout as in a release.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The daemons that `drover` consists of. */
export type Program = 'controller' | 'agent';

/** Root of the checkout or of the unpacked release. */
export const installationRoot = findRoot(import.meta.dirname);

/** Version of this installation, from its package.json. */
export const version: string = JSON.parse(
  readFileSync(join(installationRoot, 'package.json'), 'utf8'),
).version;

/** A command line that runs one of our daemons on `args`. */
export function programCommand(program: Program, args: readonly string[]): { file: string; args: string[] } {
  return droverCommand([program, ...args]);
}

/** A command line of `drover` itself. */
export function droverCommand(words: readonly string[]): { file: string; args: string[] } {
  return { file: join(installationRoot, 'bin', 'drover'), args: [...words] };
}

/** Path of the supervisor's binary. */
export function supervisorPath(): string {
  const released = join(installationRoot, 'libexec', 'drover-supervisor');
  return existsSync(released)
    ? released
    : join(installationRoot, 'native', 'supervisor', 'build', 'drover-supervisor');
}

function findRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error(`no package.json above ${import.meta.dirname}`);
  return findRoot(parent);
}
