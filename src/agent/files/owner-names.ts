/** Names of users and groups by number, and numbers by name, as the system's databases have them: asked of getent. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BriefMemory } from '#base/brief-memory.ts';
import type { Clock } from '#base/clock.ts';
import { FileError } from '#base/files/file-error.ts';

const run = promisify(execFile);

/** So long an answer is good for, milliseconds: a listing asks once for each owner. */
const freshMs = 60_000;
/** So long a directory service may take, milliseconds. */
const lookupTimeoutMs = 5_000;
/** The largest user id; the one above it means "leave it". */
const idMax = 2 ** 32 - 2;

type Database = 'passwd' | 'group';

/** Looks owners up, and remembers them briefly. */
export class OwnerNames {
  readonly #memory: BriefMemory<readonly string[] | undefined>;

  constructor(clock: Clock) {
    this.#memory = new BriefMemory(clock, freshMs);
  }

  /** Name of a user; empty where it has none. */
  async user(uid: number): Promise<string> {
    return (await this.#entry('passwd', `${uid}`))?.[0] ?? '';
  }

  /** Name of a group; empty where it has none. */
  async group(gid: number): Promise<string> {
    return (await this.#entry('group', `${gid}`))?.[0] ?? '';
  }

  /** Numbers of "USER", "USER:GROUP" or ":GROUP"; -1 where one is not named. @throws FileError for what there is not. */
  async parse(owner: string): Promise<{ uid: number; gid: number }> {
    const [user = '', group = '', more] = owner.split(':');
    if (more !== undefined || (user === '' && group === '')) {
      throw new FileError(`owner ${JSON.stringify(owner)} is none of USER, USER:GROUP and :GROUP`);
    }
    return {
      uid: user === '' ? -1 : await this.#number('passwd', user),
      gid: group === '' ? -1 : await this.#number('group', group),
    };
  }

  async #number(database: Database, name: string): Promise<number> {
    const kind = database === 'passwd' ? 'user' : 'group';
    if (/^\d+$/.test(name)) {
      if (Number(name) > idMax) throw new FileError(`there is no ${kind} ${name}`);
      return Number(name);
    }
    const entry = await this.#entry(database, name);
    if (entry?.[0] !== name) throw new FileError(`there is no ${kind} ${JSON.stringify(name)} on this node`);
    return Number(entry[2]);
  }

  #entry(database: Database, key: string): Promise<readonly string[] | undefined> {
    return this.#memory.recall(`${database} ${key}`, () => ask(database, key));
  }
}

async function ask(database: Database, key: string): Promise<readonly string[] | undefined> {
  try {
    const { stdout } = await run('getent', [database, '--', key], { timeout: lookupTimeoutMs });
    return stdout.trimEnd().split(':');
  } catch {
    // A number without a name is shown as a number; a name that is asked for is then refused.
    return undefined;
  }
}
