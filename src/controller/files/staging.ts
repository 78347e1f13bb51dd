/** What the controller keeps of files that are on their way: chunks in memory and on disk, and manifests. */
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { ChunkCache } from './chunk-cache.ts';
import { ChunkMemory } from './chunk-memory.ts';
import { ManifestSpool } from './manifest-spool.ts';

/** Where, and how much. */
export interface StagingOptions {
  /** The controller's data directory; what is kept is in "files" beneath it. */
  readonly dataDirectory: string;
  /** Of chunks and manifests together. */
  readonly bytesMax: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** For all copies together. Disposing of it waits for what is being written. */
export interface Staging extends AsyncDisposable {
  readonly cache: ChunkCache;
  readonly memory: ChunkMemory;
  /** An empty manifest. @throws the system's error. */
  openManifest(): Promise<ManifestSpool>;
}

/** Opens it with what is there. @throws DirectoryError; the system's error. */
export function openStaging({ dataDirectory, bytesMax, clock, log }: StagingOptions): Staging {
  const directory = join(dataDirectory, 'files');
  const cache = ChunkCache.open({ directory, bytesMax, clock, log });
  return {
    cache,
    memory: new ChunkMemory(cache),
    openManifest: () => ManifestSpool.open(directory, cache.reserve()),
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  };
}
