/**
 * Removes files and directories, the deepest first, each by its name in the handle of its directory: what is swapped for a link
 * meanwhile is removed as a link. Never a root of the policy, a mount point, or what the guard holds; what cannot be removed is a
 * problem, and the rest goes on.
 */
import type { Dirent } from 'node:fs';
import { type DirectoryHandle, joinPath } from '#base/files/directory-handle.ts';
import { FileError, isSystemError } from '#base/files/file-error.ts';
import { FrameQueue } from '#base/files/frame-queue.ts';
import { forEachAtOnce } from '#base/files/semaphore.ts';
import { decodeName } from '#base/files/tree-path.ts';
import { toldKind } from '#base/files/walk-tree.ts';
import type { RemoveFiles } from '#protocol/gen/drover/v1/file_pb.ts';
import type { FilesUp } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { answerFrame, problemFrame } from './file-answer.ts';
import type { FilePlaces } from './file-places.ts';
import type { OpenPlace } from './file-walk.ts';

/** Names of one directory that are removed at once. */
const atOnce = 32;
/** Problems that wait for whoever takes them. */
const problemsWaiting = 256;

/** Carries the order out. Never throws for a path: that is a problem. */
export async function* removeFiles(
  order: RemoveFiles,
  places: FilePlaces,
  abort: AbortSignal,
): AsyncGenerator<FilesUp> {
  const left = new AbortController();
  const removal = new Removal(order, places, AbortSignal.any([abort, left.signal]));
  const over = removal.run();
  try {
    yield* removal.problems.taken();
  } finally {
    left.abort();
    removal.problems.end();
    await over;
  }
  if (!abort.aborted) yield answerFrame({ case: 'done', value: removal.removed });
}

class Removal {
  readonly problems = new FrameQueue<FilesUp>(problemsWaiting);
  removed = 0n;
  readonly #order: RemoveFiles;
  readonly #places: FilePlaces;
  readonly #abort: AbortSignal;

  constructor(order: RemoveFiles, places: FilePlaces, abort: AbortSignal) {
    this.#order = order;
    this.#places = places;
    this.#abort = abort;
  }

  /** Removes all of it. Never rejects: what goes wrong is among the problems. */
  async run(): Promise<void> {
    for (const path of this.#order.paths) {
      try {
        using place = await this.#places.open(path, 'write');
        await this.#removeTop(place, path);
      } catch (error) {
        if (!this.#order.force || !isSystemError(cause(error), 'ENOENT')) this.#problem(path, error);
      }
    }
    this.problems.end();
  }

  async #removeTop(place: OpenPlace, path: string): Promise<void> {
    const { directory, name } = place;
    this.#places.requireNoRoot(place);
    const stats = await directory.stat(name);
    if (stats.isDirectory()) {
      if (!this.#order.recursive) throw new FileError('is a directory');
      await this.#removeDirectory(directory, name, path, await directory.mountId(), 1);
    } else await this.#removeFile(directory, name);
    await directory.sync();
  }

  async #removeDirectory(
    above: DirectoryHandle,
    name: string,
    path: string,
    mount: string,
    depth: number,
  ): Promise<void> {
    if (depth > limits.fileDepthMax) throw new FileError(`is deeper than ${limits.fileDepthMax} directories`);
    {
      using handle = await above.openDirectory(name);
      if ((await handle.mountId()) !== mount) throw new FileError('is a mount point', { denied: true });
      const names = await handle.list();
      const [below, files] = await partition(handle, names);
      await forEachAtOnce(files, atOnce, (dirent) =>
        this.#try(dirent, path, (file) => this.#removeFile(handle, file)),
      );
      // One after the other: each level holds a descriptor.
      for (const dirent of below) {
        await this.#try(dirent, path, (directory) =>
          this.#removeDirectory(handle, directory, joinPath(path, directory), mount, depth + 1),
        );
      }
    }
    if (this.#abort.aborted) return;
    await above.removeDirectory(name);
    this.removed += 1n;
  }

  async #try(dirent: Dirent<Buffer>, path: string, work: (name: string) => Promise<void>): Promise<void> {
    if (this.#abort.aborted) return;
    await this.problems.room();
    try {
      await work(decodeName(dirent.name));
    } catch (error) {
      // Somebody else removed it.
      if (!isSystemError(error, 'ENOENT')) this.#problem(joinPath(path, dirent.name.toString()), error);
    }
  }

  async #removeFile(directory: DirectoryHandle, name: string): Promise<void> {
    await directory.refuseName(name);
    await directory.removeFile(name);
    this.removed += 1n;
  }

  #problem(path: string, error: unknown): void {
    this.problems.put(problemFrame(path, explain(error)));
  }
}

/** Directories, and everything else. */
async function partition(
  handle: DirectoryHandle,
  names: readonly Dirent<Buffer>[],
): Promise<[Dirent<Buffer>[], Dirent<Buffer>[]]> {
  const [below, files]: [Dirent<Buffer>[], Dirent<Buffer>[]] = [[], []];
  for (const dirent of names) {
    const kind = await toldKind(handle, dirent).catch(() => dirent);
    (kind.isDirectory() ? below : files).push(dirent);
  }
  return [below, files];
}

function cause(error: unknown): unknown {
  return error instanceof FileError ? error.cause : error;
}

function explain(error: unknown): unknown {
  return isSystemError(error, 'EBUSY')
    ? new FileError('is a mount point, or in use', { cause: error })
    : error;
}
