/**
 * The directories of a tree that is received: which came, which were made, and their handles, of which only some are open at
 * once. A handle that was closed is opened again on the way down from the target, so that it is always beneath it.
 */
import type { BigIntStats } from 'node:fs';
import { FileAction, type FileEntry } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { changeMode, changeOwner, changeTimes } from './descriptors.ts';
import { type DirectoryHandle, joinPath } from './directory-handle.ts';
import { FileError, isSystemError } from './file-error.ts';
import { isAbandoned, type PartName, parsePartName, targetOf } from './part-name.ts';
import { planDirectoryMode, type SinkOptions, secondsOf } from './sink-options.ts';

/** Handles that stay open, beside those in use. */
const openMax = 64;

/** One directory at the receiver. */
export interface SinkDirectory {
  /** As people know it. */
  readonly path: string;
  /** Whether it was made for this tree, so that nothing was in it; with `dryRun` whether it would be. */
  readonly fresh: boolean;
  readonly parent: SinkDirectory | undefined;
  readonly name: string;
  opening: Promise<DirectoryHandle> | undefined;
  users: number;
  /** What earlier tries left here, by target; undefined until it was looked for. */
  parts: Promise<Map<string, PartName>> | undefined;
}

/** A directory in use: its handle stays open until this is disposed of. */
export interface HeldDirectory extends Disposable {
  readonly handle: DirectoryHandle;
}

/** Where an entry goes. */
export interface SinkPlace {
  readonly directory: SinkDirectory;
  readonly name: string;
}

/** All directories of one tree. Dispose of it when nothing uses them any more. */
export class SinkDirectories implements AsyncDisposable {
  readonly #options: SinkOptions;
  readonly #root: SinkDirectory;
  readonly #known = new Map<string, SinkDirectory>();
  /** Directories whose own attributes are set last, since what is put into them changes their times and needs their modes. */
  readonly #unfinished: { readonly directory: SinkDirectory; readonly entry: FileEntry }[] = [];
  /** Directories with names that are not durable yet. */
  readonly #unsynced = new Set<SinkDirectory>();
  /** Those that are open, the one used longest ago first. */
  readonly #open = new Set<SinkDirectory>();
  #topName: string | undefined;

  constructor(options: SinkOptions) {
    this.#options = options;
    const { directory } = options.target;
    this.#root = {
      path: directory.path,
      fresh: false,
      parent: undefined,
      name: '',
      opening: Promise.resolve(directory),
      users: 1,
      parts: undefined,
    };
  }

  /** Where the entry with these components goes. @throws FileError when what is above it did not come. */
  place(parts: readonly string[]): SinkPlace {
    const name = parts.at(-1) ?? '';
    if (parts.length > 1) {
      const directory = this.#known.get(parts.slice(0, -1).join('/'));
      if (!directory) throw new FileError('its directory could not be received');
      return { directory, name };
    }
    const { as } = this.#options.target;
    if (as === undefined) return { directory: this.#root, name };
    this.#topName ??= name;
    if (this.#topName !== name) throw new FileError('only one thing can take that name');
    return { directory: this.#root, name: as };
  }

  /** Takes the directory with these components; makes it where there is none. @throws the system's error, or FileError. */
  async add(parts: readonly string[], entry: FileEntry): Promise<FileAction> {
    const { directory: parent, name } = this.place(parts);
    const key = parts.join('/');
    if (this.#known.has(key)) throw new FileError('came twice');
    const fresh = !(await this.#isThere(parent, name));
    if (fresh && !this.#options.dryRun) await this.#make(parent, name, entry);
    const path = joinPath(parent.path, name);
    const directory = { path, fresh, parent, name, opening: undefined, users: 0, parts: undefined };
    this.#known.set(key, directory);
    if (!this.#options.dryRun && (fresh || this.#options.preserve)) {
      const planned = planDirectoryMode(entry, this.#options);
      if (
        planned.exact ||
        this.#options.preserve ||
        (planned.mode & 0o700) !== 0o700 ||
        this.#options.owner
      ) {
        this.#unfinished.push({ directory, entry });
      }
    }
    return fresh ? FileAction.CREATED : FileAction.UNCHANGED;
  }

  /** Opens a directory, or uses it as it is open. @throws the system's error. */
  async hold(directory: SinkDirectory): Promise<HeldDirectory> {
    directory.users += 1;
    const release = () => this.#release(directory);
    try {
      directory.opening ??= this.#reopen(directory);
      const handle = await directory.opening;
      return { handle, [Symbol.dispose]: release };
    } catch (error) {
      directory.opening = undefined;
      release();
      throw error;
    }
  }

  /** Looks once for what earlier tries left in a directory, and removes what is of no use any more. */
  async findParts(directory: SinkDirectory): Promise<Map<string, PartName>> {
    if (directory.fresh) return new Map();
    directory.parts ??= this.#findParts(directory);
    return directory.parts;
  }

  /** The part that an earlier try left for this place; it is no longer offered to others of this tree. */
  async takePart({ directory, name }: SinkPlace): Promise<PartName | undefined> {
    const parts = await this.findParts(directory);
    const target = targetOf(name);
    const part = parts.get(target);
    parts.delete(target);
    return part;
  }

  /** Names in this directory changed. */
  changed(directory: SinkDirectory): void {
    this.#unsynced.add(directory);
  }

  /** Makes every name durable. @throws the system's error. */
  async sync(): Promise<void> {
    const directories = [...this.#unsynced];
    this.#unsynced.clear();
    await Promise.all(
      directories.map(async (directory) => {
        using held = await this.hold(directory);
        await held.handle.sync();
      }),
    );
  }

  /** Gives directories their modes, owners and times, the deepest first; `failed` is told of those that cannot have them. */
  async finish(failed: (path: string, error: unknown) => void): Promise<void> {
    for (const { directory, entry } of this.#unfinished.reverse()) {
      try {
        using held = await this.hold(directory);
        await held.handle.withDescriptor((fd) => this.#setAttributes(fd, directory, entry));
      } catch (error) {
        failed(entry.path, error);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const directory of this.#open) (await directory.opening)?.[Symbol.dispose]();
    this.#open.clear();
  }

  async #isThere(parent: SinkDirectory, name: string): Promise<boolean> {
    if (parent.fresh) return false;
    using held = await this.hold(parent);
    try {
      using _found = await held.handle.openDirectory(name);
      return true;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return false;
      if (!isSystemError(error, 'ENOTDIR', 'ELOOP')) throw error;
      const stats: BigIntStats = await held.handle.stat(name);
      throw new FileError(
        stats.isSymbolicLink()
          ? 'is a symbolic link there, and links are not followed'
          : 'is no directory there',
      );
    }
  }

  async #make(parent: SinkDirectory, name: string, entry: FileEntry): Promise<void> {
    using held = await this.hold(parent);
    await held.handle.refuseName(name);
    // Its own mode may not let even us put something into it.
    await held.handle.makeDirectory(name, planDirectoryMode(entry, this.#options).mode | 0o700);
    this.changed(parent);
  }

  async #setAttributes(fd: number, directory: SinkDirectory, entry: FileEntry): Promise<void> {
    const { owner, preserve } = this.#options;
    const { mode, exact } = planDirectoryMode(entry, this.#options);
    if (owner && directory.fresh) await changeOwner(fd, owner.uid, owner.gid);
    if (directory.fresh || preserve) await changeMode(fd, exact ? mode : mode & ~process.umask());
    const seconds = secondsOf(entry);
    if (preserve) await changeTimes(fd, seconds, seconds);
  }

  async #reopen({ parent, name }: SinkDirectory): Promise<DirectoryHandle> {
    if (!parent) throw new Error('the target is always open');
    using held = await this.hold(parent);
    return held.handle.openDirectory(name);
  }

  #release(directory: SinkDirectory): void {
    directory.users -= 1;
    if (directory === this.#root) return;
    this.#open.delete(directory);
    if (directory.opening) this.#open.add(directory);
    for (const oldest of this.#open) {
      if (this.#open.size <= openMax) return;
      if (oldest.users > 0) continue;
      this.#open.delete(oldest);
      const { opening } = oldest;
      oldest.opening = undefined;
      void opening?.then((handle) => handle[Symbol.dispose]());
    }
  }

  async #findParts(directory: SinkDirectory): Promise<Map<string, PartName>> {
    const found = new Map<string, PartName>();
    using held = await this.hold(directory);
    // Who may not list a directory may still put files into it, without going on with earlier ones.
    const names = await held.handle.list().catch(() => []);
    const nowMs = this.#options.clock.wallMs();
    for (const dirent of names) {
      const part = dirent.isFile() ? parsePartName(dirent.name.toString('latin1')) : undefined;
      if (!part) continue;
      const stats = await held.handle.stat(part.name).catch(() => undefined);
      const quietMs = stats ? nowMs - Number(stats.mtimeMs) : 0;
      if (!stats || !isAbandoned(part, quietMs)) continue;
      if (part.kind === 'part' && quietMs < limits.filePartKeptMs) found.set(part.target, part);
      else if (!this.#options.dryRun) await held.handle.removeFile(part.name).catch(() => {});
    }
    return found;
  }
}
