/** What a daemon said last, for the person who wonders why it ended. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { oneLine } from '#cli/output/strip-control.ts';

/** The end of a log that is looked at, bytes. */
const tailBytes = 16 << 10;
/** pino's level "fatal". */
const fatalLevel = 60;

/**
 * The line of the log at `path`, written after `from` bytes, that tells why the program ended: what it said last, outside of
 * its log or as fatal in it. Empty where it said nothing, as when it was killed: an older line would only mislead.
 */
export function lastLogLine(path: string, from: number): string {
  return chooseLine(readTail(path, from).split('\n'));
}

/** The line of `lines` that tells most, without the program's name or the frame of the log. */
export function chooseLine(lines: readonly string[]): string {
  const texts = lines.filter((line) => line.trim() !== '').map(readLine);
  const last = texts.at(-1);
  if (last?.level !== undefined) return last.level >= fatalLevel ? last.text : '';
  const words = texts.slice(texts.findLastIndex(({ level }) => level !== undefined) + 1);
  // An error that nobody caught is the first line of many.
  const error = words.find(({ text }) => /^\w*Error\b.*: /.test(text));
  return (error ?? last)?.text ?? '';
}

function readLine(line: string): { text: string; level: number | undefined } {
  const { level, msg, err } = parseObject(line);
  if (typeof level !== 'number')
    return { text: oneLine(line).replace(/^drover( \w+)?: /, ''), level: undefined };
  const cause = typeof err === 'object' && err !== null && 'message' in err ? `: ${err.message}` : '';
  return { text: oneLine(`${msg ?? ''}${cause}`), level };
}

function parseObject(line: string): Partial<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function readTail(path: string, from: number): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const start = Math.max(from, size - tailBytes, 0);
    const buffer = Buffer.alloc(Math.max(size - start, 0));
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, start));
  } finally {
    closeSync(file);
  }
}
