/** The programs of these measurements that are C, and what they are told. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Lines that one write(2) of a program that buffers its output takes: 64 KiB of them. */
export const bufferedLines = 655;

/** Compiles the program that writes lines, in `directory`. @returns its path. It takes the bytes to write, and the lines of each write. */
export function buildLineWriter(directory: string): string {
  return build('line-writer', directory);
}

/** Compiles the program that holds a file to a quota, in `directory`. @returns its path. It takes the file, and the quota in bytes. */
export function buildHolePuncher(directory: string): string {
  return build('punch-holes', directory);
}

function build(name: string, directory: string): string {
  const path = join(directory, name);
  execFileSync('cc', ['-O2', '-o', path, join(import.meta.dirname, `${name}.c`)]);
  return path;
}
