/**
 * How much of the beginning of an attempt's outputs was given back to the disk: two little-endian doubles, on disk before the
 * bytes go, so that a hole is never taken for output. It is overwritten in place, within one sector: a full disk does not
 * keep it from being written once it is there.
 */
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { noBytes, type OutputSizes } from './outputs.ts';

const fileBytes = 16;

/** The floors that are recorded; zeros where none ever was. @throws the system's error. */
export async function readFloors(path: string): Promise<OutputSizes> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes?.length !== fileBytes) return noBytes;
  return { stdout: bytes.readDoubleLE(0), stderr: bytes.readDoubleLE(fileBytes / 2) };
}

/** Records floors; they are on disk when it resolves. @throws the system's error. */
export async function recordFloors(path: string, { stdout, stderr }: OutputSizes): Promise<void> {
  const bytes = Buffer.alloc(fileBytes);
  bytes.writeDoubleLE(stdout, 0);
  bytes.writeDoubleLE(stderr, fileBytes / 2);
  await using file = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  await file.write(bytes, 0, fileBytes, 0);
  await file.datasync();
}
