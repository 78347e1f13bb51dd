/** The program that writes lines, for measurements of logs. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Lines that one write(2) of a program that buffers its output takes: 64 KiB of them. */
export const bufferedLines = 655;

/** Compiles it in `directory`. @returns its path. It takes the bytes to write, and the lines of each write. */
export function buildLineWriter(directory: string): string {
  const path = join(directory, 'line-writer');
  execFileSync('cc', ['-O2', '-o', path, join(import.meta.dirname, 'line-writer.c')]);
  return path;
}
