/** Standard input as a file, so that it can be read again: a copy is verified, resumed, and sent to several nodes. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Name of what was standard input, where it lands in a directory. */
export const inputName = 'stdin';

/** A file that is gone when it is disposed of. */
export interface SpooledInput extends AsyncDisposable {
  readonly path: string;
}

/** Reads `input` to its end. @throws the system's error, and the reason of `abort`. */
export async function spoolInput(input: Readable, abort: AbortSignal): Promise<SpooledInput> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-cp-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  const path = join(directory, inputName);
  try {
    await pipeline(input, createWriteStream(path, { mode: 0o600 }), { signal: abort });
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}
