/** The checkpoints of a directory that a controller writes them to: its `*.jsonl`, and in its `*.pem` who may have signed them. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type AuditCheckpoint, keyFingerprint, readCheckpoint } from '#base/audit-checkpoint.ts';
import { CommandError } from '#cli/command-error.ts';
import { exitCodes } from '#core/exit-code.ts';

/**
 * All of them, in the order of the files' names and of their lines.
 *
 * @param keyFile a public key, PEM, that alone is trusted; undefined: those in the directory.
 * @throws CommandError for a file that cannot be read, and for a line that none of the keys has signed.
 */
export async function readCheckpoints(directory: string, keyFile?: string): Promise<AuditCheckpoint[]> {
  const names = list(directory);
  const keyFiles =
    keyFile === undefined ? names.filter(endsIn('.pem')).map((name) => join(directory, name)) : [keyFile];
  const keys = new Map(keyFiles.map(readKey).map((key) => [keyFingerprint(key), key]));
  const checkpoints: AuditCheckpoint[] = [];
  for (const name of names.filter(endsIn('.jsonl'))) {
    const path = join(directory, name);
    let number = 0;
    for await (const line of createInterface({ input: createReadStream(path) })) {
      number++;
      const read = readCheckpoint(line, keys);
      if (typeof read === 'string') throw refusal(`line ${number} of ${path} ${read}`);
      checkpoints.push(read);
    }
  }
  return checkpoints;
}

const endsIn = (ending: string) => (name: string) => name.endsWith(ending) && !name.startsWith('.');

function list(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (cause) {
    throw refusal(`cannot read the checkpoints in ${directory}`, cause);
  }
}

function readKey(path: string): KeyObject {
  try {
    return createPublicKey(readFileSync(path));
  } catch (cause) {
    throw refusal(`cannot read the public key ${path}`, cause);
  }
}

function refusal(message: string, cause?: unknown): CommandError {
  return new CommandError(exitCodes.requestFailed, message, { cause });
}
