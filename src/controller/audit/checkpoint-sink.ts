/**
 * Where checkpoints of the audit go: files that are only added to, the machine's log, or a web address. What is written there is
 * no secret; who can change it there as well as in the database can tamper unseen, so that it had better be another machine.
 */
import { spawn } from 'node:child_process';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '#base/atomic-file.ts';
import { keyFingerprint } from '#base/audit-checkpoint.ts';
import { makeDirectory } from '#base/make-directory.ts';
import { limits } from '#protocol/limits.ts';

/** One of them. */
export interface CheckpointSink {
  /** For the log. */
  readonly name: string;
  /** Resolves when it is kept there. @throws whatever kept it from being. */
  write(line: string, atMs: number, abort: AbortSignal): Promise<void>;
}

/** Where to, as the command line says it. */
export type CheckpointPlace =
  | { readonly to: 'directory'; readonly path: string }
  | { readonly to: 'syslog' }
  | { readonly to: 'url'; readonly url: string };

/** @param key private; its public half is written beside the checkpoints of a directory. */
export function checkpointSink(place: CheckpointPlace, key: KeyObject): CheckpointSink {
  switch (place.to) {
    case 'directory':
      return directorySink(place.path, key);
    case 'syslog':
      return syslogSink('logger');
    case 'url':
      return urlSink(place.url);
  }
}

/** A file a day, in UTC, so that old ones can be put away. */
function directorySink(path: string, key: KeyObject): CheckpointSink {
  return {
    name: path,
    async write(line, atMs) {
      makeDirectory(path);
      await writePublicKey(path, key);
      await append(join(path, `${new Date(atMs).toISOString().slice(0, 10)}.jsonl`), line);
      await syncDirectory(path);
    },
  };
}

/** By the program `logger`, which every distribution has: Node.js cannot send datagrams to /dev/log. */
export function syslogSink(program: string): CheckpointSink {
  return {
    name: 'syslog',
    async write(line, _atMs, abort) {
      const signal = AbortSignal.any([abort, AbortSignal.timeout(limits.auditSinkTimeoutMs)]);
      const args = ['-t', 'drover-audit', '-p', 'authpriv.notice', '--', line];
      const child = spawn(program, args, { stdio: 'ignore', signal });
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) throw new Error(`${program} ended with ${code}`);
    },
  };
}

function urlSink(url: string): CheckpointSink {
  const { origin } = new URL(url);
  return {
    name: origin,
    async write(line, _atMs, abort) {
      const signal = AbortSignal.any([abort, AbortSignal.timeout(limits.auditSinkTimeoutMs)]);
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', body: line, headers, redirect: 'error', signal });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`${origin} answered ${response.status}`);
    },
  };
}

/** The last line of the last file in a directory; undefined where there is none. */
export async function findLastLine(path: string): Promise<string | undefined> {
  try {
    const name = (await readdir(path))
      .filter((each) => each.endsWith('.jsonl'))
      .sort()
      .at(-1);
    if (name === undefined) return undefined;
    return (await readFile(join(path, name), 'utf8')).trimEnd().split('\n').at(-1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function append(path: string, line: string): Promise<void> {
  const file = await open(path, 'a', 0o644);
  try {
    await file.write(`${line}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writePublicKey(directory: string, key: KeyObject): Promise<void> {
  const path = join(directory, `${keyFingerprint(key).slice(0, 16)}.pem`);
  const pem = createPublicKey(key).export({ type: 'spki', format: 'pem' });
  try {
    await writeFile(path, pem, { flag: 'wx', mode: 0o644 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
