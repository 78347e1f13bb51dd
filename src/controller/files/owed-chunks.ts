/** Chunks that a receiver has asked its sender for, and that have neither come nor been taken back. Pure. */
import type { ChunkRef, SenderFrame } from '#protocol/gen/drover/v1/file_pb.ts';

/** Those of one sender. */
export class OwedChunks {
  /** How many, by entry. */
  readonly #owed = new Map<number, number>();

  /** Whether there are any. */
  get some(): boolean {
    return this.#owed.size > 0;
  }

  /** They are asked for. */
  want(chunks: readonly ChunkRef[]): void {
    for (const { entry } of chunks) this.#owed.set(entry, (this.#owed.get(entry) ?? 0) + 1);
  }

  /** The sender says something: a chunk is one less, and of an entry that it takes back none comes any more. */
  hear({ kind }: SenderFrame): void {
    if (kind.case === 'problem' && kind.value.entry !== undefined) this.#owed.delete(kind.value.entry);
    const entry = kind.case === 'chunk' ? kind.value.ref?.entry : undefined;
    if (entry === undefined) return;
    const left = (this.#owed.get(entry) ?? 0) - 1;
    if (left > 0) this.#owed.set(entry, left);
    else this.#owed.delete(entry);
  }
}
