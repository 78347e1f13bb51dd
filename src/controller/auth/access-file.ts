/**
 * `<data>/access.json`, 0600: how the command line on this machine reaches the controller and who it then is. Written at
 * each start once the listener is up, and left there at the stop: the token in it is kept nowhere else.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';

/** What the file says. */
export interface Access {
  /** "https://HOST:PORT". */
  readonly address: string;
  /** The cluster's root certificate, PEM. */
  readonly rootCertificate: string;
  /** An operator's token: a secret. */
  readonly token: string;
}

const accessSchema = z.object({ address: z.string(), rootCertificate: z.string(), token: z.string() });

/** Where the file is in a controller's data directory. */
export function accessPath(dataDirectory: string): string {
  return join(dataDirectory, 'access.json');
}

/** Writes the file whole. @throws the system's error. */
export async function writeAccess(path: string, access: Access): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(access, undefined, 2)}\n`, 0o600);
}

/** Reads the file; undefined where there is none, or none that can be understood: the next start makes it anew. */
export async function findAccess(path: string): Promise<Access | undefined> {
  try {
    return accessSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
