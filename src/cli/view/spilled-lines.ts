/**
 * Lines that are too many to be kept in memory, of any number of texts, in one temporary file. The file has no name from the moment
 * it is there, so that nothing is left of it however this process ends. In memory each text is one small record.
 *
 * Pieces of a text are chained from its last one backwards:  [offset of the piece before][bytes][the lines, each with its end]
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '#protocol/limits.ts';

/** A piece begins with where the one before it is, and with its size. */
const headerBytes = 12;

/** The last piece of a text, and how many lines all of its pieces have. */
interface Chain {
  readonly offset: number;
  readonly lines: number;
}

const empty: Chain = { offset: -1, lines: 0 };

/** A file that is made at the first line. Disposing of it gives the room back. */
export class SpilledLines implements Disposable {
  readonly #chains = new Map<string, Chain>();
  #file: number | undefined;
  #size = 0;
  /** There is no room: what was to be added is missing, and everything after it. */
  #isFull = false;

  /** Adds lines to the end of the text of `key`. What finds no room is left out, of all texts from then on. */
  add(key: string, lines: readonly string[]): void {
    if (this.#isFull || lines.length === 0) return;
    const chain = this.#chains.get(key) ?? empty;
    const text = lines.map((line) => `${line}\n`).join('');
    const piece = Buffer.allocUnsafe(headerBytes + Buffer.byteLength(text));
    piece.writeDoubleLE(chain.offset, 0);
    piece.writeUInt32LE(piece.write(text, headerBytes), 8);
    if (!this.#append(piece)) return;
    this.#chains.set(key, { offset: this.#size - piece.length, lines: chain.lines + lines.length });
  }

  /** The lines of a text, if all of them are here that it is said to have; a piece at a time in memory. */
  find(key: string, lines: number): Iterable<string> | undefined {
    const chain = this.#chains.get(key);
    return chain?.lines === lines ? this.#read(chain) : undefined;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#isFull = true;
    this.#chains.clear();
  }

  #append(piece: Uint8Array): boolean {
    this.#isFull = this.#size + piece.length > limits.foldedSpillBytesMax;
    try {
      this.#file ??= openNameless();
      for (let done = 0; done < piece.length && !this.#isFull; )
        done += writeSync(this.#file, piece, done, piece.length - done, this.#size + done);
    } catch {
      // No room on the disk, or no place for temporary files: the reader is told what is missing.
      this.#isFull = true;
    }
    if (!this.#isFull) this.#size += piece.length;
    return !this.#isFull;
  }

  *#read({ offset: last }: Chain): Generator<string> {
    const offsets: number[] = [];
    for (let at = last; at >= 0; at = this.#bytes(at, headerBytes).readDoubleLE(0)) offsets.push(at);
    for (const at of offsets.reverse()) {
      const size = this.#bytes(at, headerBytes).readUInt32LE(8);
      yield* this.#bytes(at + headerBytes, size)
        .toString('utf8', 0, size - 1)
        .split('\n');
    }
  }

  #bytes(offset: number, size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size);
    for (let done = 0; done < size; ) {
      const read =
        this.#file === undefined ? 0 : readSync(this.#file, bytes, done, size - done, offset + done);
      if (read === 0) throw new Error('the temporary file of folded output is shorter than what was written');
      done += read;
    }
    return bytes;
  }
}

/** A file of ours alone that is gone when it is closed. @throws the system's error. */
function openNameless(): number {
  const directory = mkdtempSync(join(tmpdir(), 'drover-fold-'));
  try {
    return openSync(join(directory, 'lines'), 'wx+', 0o600);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
