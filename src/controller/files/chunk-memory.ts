/**
 * The chunks of the moment, in memory before the cache: nodes that want the same one at about the same time share one buffer and one
 * read of the disk. Small, and nothing in it needs to stay.
 */
import { limits } from '#protocol/limits.ts';
import type { ChunkCache } from './chunk-cache.ts';

/** Memory over a cache. Digests are SHA-256 in hex. */
export class ChunkMemory {
  readonly #cache: ChunkCache;
  /** In the order of their last use. */
  readonly #hot = new Map<string, Buffer>();
  readonly #reading = new Map<string, Promise<Buffer | undefined>>();
  #bytes = 0;

  constructor(cache: ChunkCache) {
    this.#cache = cache;
  }

  /** Whether it is here or in the cache, as far as is known. */
  has(digest: string): boolean {
    return this.#hot.has(digest) || this.#cache.has(digest);
  }

  /** The chunk, verified; undefined when neither has it. */
  async find(digest: string): Promise<Buffer | undefined> {
    const data = this.#hot.get(digest) ?? (await this.#read(digest));
    if (data) this.#remember(digest, data);
    return data;
  }

  /** Keeps a chunk that is what its digest says, here for a while and in the cache; resolves when it is there, if it can be. */
  async keep(digest: string, data: Buffer): Promise<void> {
    this.#remember(digest, data);
    await this.#cache.keep(digest, data);
  }

  #read(digest: string): Promise<Buffer | undefined> {
    const under = this.#reading.get(digest);
    if (under) return under;
    const reading = this.#cache.find(digest).finally(() => this.#reading.delete(digest));
    this.#reading.set(digest, reading);
    return reading;
  }

  #remember(digest: string, data: Buffer): void {
    if (this.#hot.delete(digest)) this.#bytes -= data.length;
    this.#hot.set(digest, data);
    this.#bytes += data.length;
    for (const [oldest, { length }] of this.#hot) {
      if (this.#bytes <= limits.fileMemoryBytes) break;
      this.#hot.delete(oldest);
      this.#bytes -= length;
    }
  }
}
