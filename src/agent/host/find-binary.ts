/** argv[0] as the absolute path that execve gets, and that the node's policy sees. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { Lookup } from '#agent/policy/decide-launch.ts';

const enoent = 2;
const eacces = 13;

/**
 * Looks `command` up as execvp(3) does: with a slash against `cwd`, else in the directories of `path`. The directory of
 * the result is resolved (so that /bin/ls and /usr/bin/ls are one where they are one), its last name is not: many
 * programs go by the name that they were called by.
 */
export async function findBinary(command: string, path: string, cwd: string): Promise<Lookup<string>> {
  const candidates = command.includes('/')
    ? [isAbsolute(command) ? command : join(cwd, command)]
    : path
        .split(':')
        .filter(isAbsolute)
        .map((directory) => join(directory, command));
  let denied: string | undefined;
  for (const candidate of candidates) {
    const kind = await kindOf(candidate);
    if (kind === 'executable') return { found: await settle(candidate) };
    if (kind === 'denied') denied ??= candidate;
  }
  if (denied) return { missing: `command ${command}: ${denied} is not executable`, errno: eacces };
  const where = command.includes('/') ? 'no such file' : 'not found on PATH';
  return { missing: `command ${command}: ${where}`, errno: enoent };
}

/** Any execute bit will do: whether the task's user has it is execve's to say. */
async function kindOf(path: string): Promise<'executable' | 'denied' | 'absent'> {
  try {
    const found = await stat(path);
    return found.isFile() && (found.mode & 0o111) !== 0 ? 'executable' : 'denied';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'denied' : 'absent';
  }
}

async function settle(path: string): Promise<string> {
  const directory = dirname(path);
  return join(await realpath(directory).catch(() => directory), basename(path));
}
