/**
 * Chunks of files on the controller's disk, named by their SHA-256, so that a chunk that many nodes want is asked of its sender once.
 * Bounded: what was not used for longest goes first. A cache and no store: what it gives is verified, what it has lost is asked again,
 * and nothing is synced. What is no chunk, or no longer the one that its name says, is put aside for a person to look at.
 */
import { hash, randomUUID } from 'node:crypto';
import { type Dirent, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { readFile, rename, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { makeDirectory } from '#base/make-directory.ts';
import { limits } from '#protocol/limits.ts';

/** Where it is, and how large it may be. */
export interface ChunkCacheOptions {
  /** Made (0700) if need be; nobody else's. */
  readonly directory: string;
  /** Of chunks and of what is reserved together. */
  readonly bytesMax: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Room in the cache's share of the disk, for something else. Disposing of it gives it back. */
export interface Reservation extends Disposable {
  /** Takes so many bytes more; false when that is more than there can be. */
  grow(bytes: number): boolean;
}

/** A file takes a block at least, its name and what is remembered of it; no more of them fit than the same in small files. */
const fileBytesMin = limits.fileInlineBytesMax;

/** Damaged chunks that are kept; the first tell what there is to tell. */
const asideMax = 16;

const chunkName = /^[0-9a-f]{64}$/;
const temporaryName = /^\.[0-9a-f-]{36}\.tmp$/;

/** Chunks on disk. Digests are SHA-256 in hex, lower case. Disposing of it waits for what is being written. */
export class ChunkCache implements AsyncDisposable {
  readonly #chunks: string;
  readonly #aside: string;
  readonly #bytesMax: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** What there is, with its size, in the order of its last use. */
  readonly #sizes = new Map<string, number>();
  readonly #writing = new Map<string, Promise<void>>();
  #bytes = 0;
  #reserved = 0;
  #asides = 0;

  private constructor({ directory, bytesMax, clock, log }: ChunkCacheOptions) {
    this.#chunks = join(directory, 'chunks');
    this.#aside = join(directory, 'aside');
    this.#bytesMax = bytesMax;
    this.#clock = clock;
    this.#log = log;
  }

  /** Takes on what is there. @throws DirectoryError; the system's error. */
  static open(options: ChunkCacheOptions): ChunkCache {
    const cache = new ChunkCache(options);
    makeDirectory(cache.#chunks);
    makeDirectory(cache.#aside);
    cache.#asides = readdirSync(cache.#aside).length;
    cache.#takeOn();
    return cache;
  }

  /** Bytes of the chunks that are there. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether it is there, as far as is known. */
  has(digest: string): boolean {
    return this.#sizes.has(digest);
  }

  /** The chunk; undefined when it is not there, or no longer what it was. */
  async find(digest: string): Promise<Buffer | undefined> {
    if (!this.#sizes.has(digest)) return undefined;
    await this.#writing.get(digest);
    const path = this.#path(digest);
    try {
      const data = await readFile(path);
      if (hash('sha256', data, 'hex') !== digest) return this.#damaged(digest);
      this.#used(digest);
      const now = this.#clock.wallMs() / 1_000;
      // For the next start; that it has gone meanwhile is as well.
      await utimes(path, now, now).catch(() => {});
      return data;
    } catch (error) {
      // Given up meanwhile, by us or by somebody who needed the room.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#failed('read', error);
      this.#forget(digest);
      return undefined;
    }
  }

  /** Keeps a chunk that is what its digest says. Resolves also when that cannot be: it is then not there. */
  async keep(digest: string, data: Uint8Array): Promise<void> {
    const size = Math.max(data.length, fileBytesMin);
    if (this.#sizes.has(digest)) return this.#writing.get(digest);
    if (!this.#makeRoom(size)) return;
    this.#sizes.set(digest, size);
    this.#bytes += size;
    const writing = this.#write(digest, data).finally(() => this.#writing.delete(digest));
    this.#writing.set(digest, writing);
    await writing;
  }

  /** Room for something that is no chunk; chunks make way for it. */
  reserve(): Reservation {
    let own = 0;
    return {
      grow: (bytes) => {
        if (!this.#makeRoom(bytes)) return false;
        own += bytes;
        this.#reserved += bytes;
        return true;
      },
      [Symbol.dispose]: () => {
        this.#reserved -= own;
        own = 0;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  async #write(digest: string, data: Uint8Array): Promise<void> {
    const temporary = join(this.#chunks, `.${randomUUID()}.tmp`);
    try {
      await writeFile(temporary, data, { mode: 0o600, flag: 'wx' });
      await rename(temporary, this.#path(digest));
    } catch (error) {
      this.#failed('write', error);
      this.#forget(digest);
      await unlink(temporary).catch(() => {});
    }
  }

  /** Gives up what was not used for longest until so many bytes more fit; false where they never would. */
  #makeRoom(bytes: number): boolean {
    const kept = this.#bytesMax - this.#reserved - bytes;
    if (kept < 0) return false;
    for (const digest of this.#sizes.keys()) {
      if (this.#bytes <= kept) break;
      if (!this.#writing.has(digest)) this.#giveUp(digest);
    }
    return this.#bytes <= kept;
  }

  #giveUp(digest: string): void {
    this.#forget(digest);
    unlink(this.#path(digest)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') this.#failed('remove', error);
    });
  }

  #used(digest: string): void {
    const size = this.#sizes.get(digest);
    if (size === undefined) return;
    this.#sizes.delete(digest);
    this.#sizes.set(digest, size);
  }

  #forget(digest: string): void {
    this.#bytes -= this.#sizes.get(digest) ?? 0;
    this.#sizes.delete(digest);
  }

  #damaged(digest: string): undefined {
    this.#log.warn({ digest }, 'a chunk in the cache is damaged: it is put aside');
    this.#forget(digest);
    if (this.#asides >= asideMax) rmSync(this.#path(digest), { force: true });
    else this.#putAside(digest);
  }

  #putAside(name: string): void {
    try {
      renameSync(join(this.#chunks, name), join(this.#aside, name));
      this.#asides++;
    } catch (error) {
      this.#failed('put aside', error);
    }
  }

  #takeOn(): void {
    const found: { readonly digest: string; readonly size: number; readonly usedMs: number }[] = [];
    for (const entry of readdirSync(this.#chunks, { withFileTypes: true })) {
      const path = join(this.#chunks, entry.name);
      if (temporaryName.test(entry.name)) rmSync(path, { force: true });
      else if (!isChunk(entry)) this.#foreign(entry.name);
      else {
        const { size, mtimeMs } = statSync(path);
        if (size > limits.fileChunkBytes) this.#foreign(entry.name);
        else found.push({ digest: entry.name, size: Math.max(size, fileBytesMin), usedMs: mtimeMs });
      }
    }
    for (const { digest, size } of found.sort((a, b) => a.usedMs - b.usedMs)) {
      this.#sizes.set(digest, size);
      this.#bytes += size;
    }
    this.#makeRoom(0);
  }

  #foreign(name: string): void {
    this.#log.warn({ name }, 'something in the cache of chunks is none: it is put aside');
    this.#putAside(name);
  }

  #failed(what: string, error: unknown): void {
    this.#log.warn({ error: String(error) }, `cannot ${what} a chunk in the cache`);
  }

  #path(digest: string): string {
    return join(this.#chunks, digest);
  }
}

function isChunk(entry: Dirent): boolean {
  return entry.isFile() && chunkName.test(entry.name);
}
