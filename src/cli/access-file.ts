/** Which cluster a data directory belongs to, and the token that lets this user in. Read, never written. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes } from '#core/exit-code.ts';
import { CommandError } from './command-error.ts';

/** How to reach a cluster. */
export interface Access {
  /** HOST:PORT of its API. */
  readonly address: string;
  /** Its root certificate, PEM. */
  readonly rootCertificate: string;
  /** An operator's token: a secret. */
  readonly token: string;
}

/** Where the file may be: with a controller of its own, or with one that `drover up` started. */
const places = ['access.json', join('controller', 'access.json')] as const;

/**
 * The access to the cluster in `directory`.
 *
 * @throws CommandError where there is none, it may not be read, or it is malformed.
 */
export function readAccess(directory: string): Access {
  for (const place of places) {
    const path = join(directory, place);
    const text = readIfPresent(path);
    if (text !== undefined) return parseAccess(text, path);
  }
  throw new CommandError(
    exitCodes.requestFailed,
    `no cluster in ${directory}: start one with drover up, or name its directory with --data`,
  );
}

/**
 * Reads the text of an access file.
 *
 * @param path where it is from, for the error.
 * @throws CommandError when it is malformed.
 */
export function parseAccess(text: string, path: string): Access {
  const access = parseAccessValue(parseJson(text));
  if (access) return access;
  throw new CommandError(
    exitCodes.requestFailed,
    `${path} is no access file: remove it and start the controller again`,
  );
}

/** What a value out of JSON says; undefined where it is no access. */
export function parseAccessValue(value: unknown): Access | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { address, rootCertificate, token } = value as Partial<Record<string, unknown>>;
  if (typeof address !== 'string' || typeof rootCertificate !== 'string' || typeof token !== 'string') {
    return undefined;
  }
  return { address: address.replace(/^https:\/\//, ''), rootCertificate, token };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
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
    if (code === 'EACCES') {
      throw new CommandError(exitCodes.denied, `cannot read ${path}: permission denied`, { cause: error });
    }
    throw error;
  }
}
