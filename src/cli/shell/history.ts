/**
 * The lines that were typed at prompts, newest first, kept in a file that its owner alone can read. Each line is appended
 * as it is typed, so that prompts at the same time do not overwrite each other's. A history that cannot be kept is no reason
 * to refuse a prompt: it is then this prompt's alone.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '#base/make-directory.ts';

/** Lines that are kept. */
export const historyLinesMax = 1_000;
/** A longer line is not kept, characters: it was pasted, and nobody looks for it. */
const lineMax = 4_096;
/** What is read of the end of a file that has become long, bytes; it is then shortened to its latest lines. */
const readMax = 1_048_576;
/** For its owner only: a line may hold a password, in spite of all. */
const mode = 0o600;
const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDWR } = constants;

/** What was typed. Disposing of it closes its file. */
export class History implements Disposable {
  #lines: string[] = [];
  #file: number | undefined;
  /** Why it cannot be kept, one line; undefined where nothing is wrong. */
  readonly problem: string | undefined;

  /** @param path undefined: in no file. */
  constructor(path?: string) {
    if (path === undefined) return;
    try {
      this.#file = openFile(path);
      this.#lines = this.#file === undefined ? [] : readLines(this.#file);
    } catch (error) {
      this.problem = `the history of the prompt is not kept: ${(error as Error).message}`;
    }
  }

  /** Newest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Adds a line, unless it is the newest already, begins with a space (so that secrets can be left out), or is very long. */
  add(line: string): void {
    if (/^\s|^$/.test(line) || line.length > lineMax || line === this.#lines[0]) return;
    this.#lines.unshift(line);
    this.#lines.length = Math.min(this.#lines.length, historyLinesMax);
    this.#write(`${line}\n`);
  }

  /** Forgets everything. */
  clear(): void {
    this.#lines = [];
    if (this.#file !== undefined) ftruncateSync(this.#file);
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #write(text: string): void {
    try {
      if (this.#file !== undefined) writeSync(this.#file, text);
    } catch {
      // A disk that is full must not end the prompt: the line is in memory.
    }
  }
}

/** Opens the file for appending; undefined for one that is no plain file, as somebody links theirs to /dev/null. */
function openFile(path: string): number | undefined {
  makeDirectory(dirname(path));
  const file = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK, mode);
  const stat = fstatSync(file);
  if (!stat.isFile()) {
    closeSync(file);
    return undefined;
  }
  if ((stat.mode & 0o777) !== mode) fchmodSync(file, mode);
  return file;
}

/** Newest first. A file with far more lines than are kept is shortened. */
function readLines(file: number): string[] {
  const { size } = fstatSync(file);
  const length = Math.min(size, readMax);
  const bytes = Buffer.alloc(length);
  const text = bytes.toString('utf8', 0, length === 0 ? 0 : readSync(file, bytes, 0, length, size - length));
  const lines = text.split('\n').slice(0, -1);
  if (size > readMax) lines.shift();
  const kept = lines.slice(-historyLinesMax);
  if (size > length || lines.length > 2 * historyLinesMax) {
    ftruncateSync(file);
    writeSync(file, kept.map((line) => `${line}\n`).join(''));
  }
  return kept.filter((line) => line !== '').reverse();
}
