/** Larger files that are sent, opened again for the chunks that are wanted of them; the latest few stay open. */
import type { DirectoryHandle } from './directory-handle.ts';
import { SourceFile } from './source-file.ts';
import type { LargeFound } from './walk-tree.ts';

/** Files that stay open: more than a receiver writes at once. */
const openMax = 16;

interface OpenSource {
  readonly file: Promise<SourceFile>;
  /** Chunks that are read now. */
  readers: number;
}

/** Open files of one tree. Dispose of it when nothing is read any more. */
export class OpenSources implements AsyncDisposable {
  /** By number of the entry, the one used longest ago first. */
  readonly #open = new Map<number, OpenSource>();

  /** Opens a file where it was found. @throws the system's error, or FileError when it is another one now. */
  async open({ place, version }: LargeFound): Promise<SourceFile> {
    const { top, directories, name } = place;
    let handle: DirectoryHandle = top.directory;
    let file: SourceFile;
    try {
      for (const directory of directories) {
        const below = await handle.openDirectory(directory);
        if (handle !== top.directory) handle[Symbol.dispose]();
        handle = below;
      }
      file = await SourceFile.open(handle, name);
    } finally {
      if (handle !== top.directory) handle[Symbol.dispose]();
    }
    try {
      file.requireUnchanged(version);
      return file;
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  /** Reads one chunk. @throws the system's error, or FileError when the file changed. */
  async read(entry: number, found: LargeFound, index: number): Promise<Buffer> {
    const source = this.#open.get(entry) ?? { file: this.open(found), readers: 0 };
    source.readers += 1;
    this.#open.delete(entry);
    this.#open.set(entry, source);
    try {
      const file = await source.file;
      const chunk = await file.readChunk(index);
      file.requireUnchanged(found.version);
      return chunk;
    } finally {
      source.readers -= 1;
      await this.#closeSome(openMax);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeSome(0);
  }

  async #closeSome(keep: number): Promise<void> {
    for (const [entry, source] of this.#open) {
      if (this.#open.size <= keep) return;
      if (source.readers > 0) continue;
      this.#open.delete(entry);
      const file = await source.file.catch(() => undefined);
      file?.[Symbol.dispose]();
    }
  }
}
