/**
 * `contexts.json` in the person's own configuration, 0600: the clusters that they have logged in to, by name, and which of them
 * commands go to where nothing else is said. Tokens are in it, and nowhere else on this machine.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { makeDirectory } from '#base/make-directory.ts';
import { exitCodes } from '#core/exit-code.ts';
import { type Access, parseAccessValue } from './access-file.ts';
import { CommandError } from './command-error.ts';

/** What the file says. */
export interface Contexts {
  /** Name of the one in use; undefined: the cluster of this machine. */
  readonly current: string | undefined;
  readonly byName: ReadonlyMap<string, Access>;
}

/** Stands for the cluster of this machine; no context is called so. */
export const localName = 'local';

/** What a context can be called. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/;

/** Whether a context can be called so. */
export function isContextName(name: string): boolean {
  return namePattern.test(name) && name !== localName;
}

/** Reads the file; without one there are no contexts. @throws CommandError where it may not be read, or is malformed. */
export function readContexts(path: string): Contexts {
  const text = readIfPresent(path);
  if (text === undefined) return { current: undefined, byName: new Map() };
  const contexts = parse(text);
  if (contexts) return contexts;
  throw new CommandError(
    exitCodes.requestFailed,
    `${path} is no file of contexts: remove it and log in again`,
  );
}

/** The context in use; undefined where that is the cluster of this machine. @throws as readContexts */
export function currentAccess(path: string): Access | undefined {
  const { current, byName } = readContexts(path);
  return current === undefined ? undefined : byName.get(current);
}

/** Writes the file whole. @throws DirectoryError, the system's error. */
export async function writeContexts(path: string, { current, byName }: Contexts): Promise<void> {
  makeDirectory(dirname(path));
  const content = { current: current ?? '', contexts: Object.fromEntries(byName) };
  await writeFileAtomic(path, `${JSON.stringify(content, undefined, 2)}\n`, 0o600);
}

function parse(text: string): Contexts | undefined {
  try {
    const { current, contexts } = JSON.parse(text) as { current?: unknown; contexts?: unknown };
    if (typeof current !== 'string' || typeof contexts !== 'object' || contexts === null) return undefined;
    const byName = new Map<string, Access>();
    for (const [name, value] of Object.entries(contexts)) {
      const access = parseAccessValue(value);
      if (!access || !isContextName(name)) return undefined;
      byName.set(name, access);
    }
    return { current: byName.has(current) ? current : undefined, byName };
  } catch {
    return undefined;
  }
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code !== 'EACCES') throw error;
    throw new CommandError(exitCodes.denied, `cannot read ${path}: permission denied`, { cause: error });
  }
}
