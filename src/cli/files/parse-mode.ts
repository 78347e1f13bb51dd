/** Permission bits on the command line. */
import { UsageError } from '#base/command-line.ts';

/** @throws UsageError for what is not one to four octal digits. */
export function parseMode(text: string, option: string): number {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageError(
    `${option} takes up to four octal digits such as 644 or 0755, not ${JSON.stringify(text)}`,
  );
}

/** As `ls -l` writes it: `drwxr-xr-x`. @param letter of the kind. */
export function showMode(letter: string, mode: number): string {
  const bits = (shift: number, special: number, set: string) => {
    const execute = ((mode >> shift) & 1) === 1;
    const last = (mode & special) === 0 ? (execute ? 'x' : '-') : execute ? set : set.toUpperCase();
    return `${(mode >> shift) & 4 ? 'r' : '-'}${(mode >> shift) & 2 ? 'w' : '-'}${last}`;
  };
  return letter + bits(6, 0o4000, 's') + bits(3, 0o2000, 's') + bits(0, 0o1000, 't');
}
