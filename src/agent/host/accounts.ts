/**
 * Users of this host by name. Asked of `getent` and `id`, so that a directory service counts as much as /etc/passwd; by
 * argument vector, never by a shell.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Account, Lookup } from '#agent/policy/decide-launch.ts';
import { BriefMemory } from '#base/brief-memory.ts';
import type { Clock } from '#base/clock.ts';

const run = promisify(execFile);

/** So long an answer is good for, milliseconds: a burst of starts asks once, a new user can be used at once. */
const freshMs = 5_000;

/** So long a directory service may take, milliseconds. */
const lookupTimeoutMs = 5_000;

const enoent = 2;

/** Looks users up, and remembers them briefly. */
export class Accounts {
  readonly #memory: BriefMemory<Lookup<Account>>;

  constructor(clock: Clock) {
    this.#memory = new BriefMemory(clock, freshMs);
  }

  /** The user of that name. Never rejects: what goes wrong is why the user is missing. */
  find(name: string): Promise<Lookup<Account>> {
    return this.#memory.recall(name, () => lookUpAccount(name));
  }
}

async function lookUpAccount(name: string): Promise<Lookup<Account>> {
  try {
    const entry = parsePasswdEntry(await ask('getent', ['passwd', '--', name]));
    // getent takes a number for a user id; a name is meant here.
    if (entry?.name !== name) return noSuchUser(name);
    const groups = (await ask('id', ['-G', '--', name])).trim().split(' ').map(Number);
    return { found: { ...entry, groups } };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (code === 2) return noSuchUser(name);
    return { missing: `user ${name}: cannot be looked up: ${message.split('\n')[0]}`, errno: 0 };
  }
}

/** A line of passwd(5); undefined when it is none. */
export function parsePasswdEntry(line: string): Omit<Account, 'groups'> | undefined {
  const [name, , uid, gid, , home, shell] = line.trimEnd().split(':');
  if (!name || !uid || !gid || home === undefined || shell === undefined) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home: home || '/', shell: shell || '/bin/sh' };
}

function noSuchUser(name: string): Lookup<Account> {
  return { missing: `user ${name}: no such user on this node`, errno: enoent };
}

async function ask(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, [...args], { timeout: lookupTimeoutMs });
  return stdout;
}
