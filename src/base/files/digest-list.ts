/** Digests of a file's chunks as they come, 32 bytes each. */

const digestBytes = 32;

/** A growing list; a hole is kept as zeros, which no content is known to have. */
export class DigestList {
  #bytes: Buffer;
  #count = 0;

  /** @param expected how many will come; the memory grows with those that do. */
  constructor(expected: number) {
    this.#bytes = Buffer.alloc(Math.min(Math.max(expected, 1), 64) * digestBytes);
  }

  get length(): number {
    return this.#count;
  }

  /** @throws RangeError for what is neither empty nor a SHA-256. */
  add(digest: Uint8Array): void {
    if (digest.length !== 0 && digest.length !== digestBytes) {
      throw new RangeError(`a digest has ${digest.length} bytes`);
    }
    const offset = this.#count * digestBytes;
    if (offset === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(offset)]);
    this.#bytes.set(digest, offset);
    this.#count += 1;
  }

  /** @returns undefined for a hole. */
  at(index: number): Buffer | undefined {
    const digest = this.#bytes.subarray(index * digestBytes, (index + 1) * digestBytes);
    return digest.every((byte) => byte === 0) ? undefined : digest;
  }
}
