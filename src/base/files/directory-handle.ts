/**
 * A directory by its descriptor. Everything is done to names in it, one component each, so that no link and no renaming
 * between here and the root leads anywhere else: Linux resolves /proc/self/fd/N/NAME from the directory that N holds,
 * whatever its path is now, and O_NOFOLLOW does the rest. Needs /proc, and no privilege.
 *
 * A path names the descriptor by its number. So a handle closes only when none of its calls is under way: the number
 * could be another directory's by the time that the call is made.
 *
 * @see man 5 proc_pid_fd, man 2 open
 */
import { type BigIntStats, constants, type Dirent, type RmDirOptions } from 'node:fs';
import fs from 'node:fs/promises';
import { closeNow, openFile, statNow, syncFile } from './descriptors.ts';
import { FileError } from './file-error.ts';

/** Linux' own, for x64 and arm64; Node.js does not name it. */
const O_PATH = 0x200000;
const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const pathFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
/** A FIFO without a writer then opens at once, to be refused. */
const safeFlags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

/** What is never touched, wherever a path led to it. */
export interface Guard {
  /** Why a file or directory with this identity is out of bounds; undefined where it is not. */
  refuses(stats: BigIntStats): string | undefined;
  /** Why this name in that directory is. */
  refusesName(directory: BigIntStats, name: string): string | undefined;
}

/** An open directory. Dispose of it to close it; what is under way still ends. */
export class DirectoryHandle implements Disposable {
  /** As people know it; only for messages. */
  readonly path: string;
  readonly guard: Guard | undefined;
  readonly #fd: number;
  #self: BigIntStats | undefined;
  #calls = 0;
  #disposed = false;

  private constructor(fd: number, path: string, guard: Guard | undefined) {
    this.#fd = fd;
    this.path = path;
    this.guard = guard;
  }

  /**
   * Opens a directory by a path that is trusted: links in it are followed.
   *
   * @throws the system's error. FileError when `guard` refuses it.
   */
  static async open(path: string, guard?: Guard): Promise<DirectoryHandle> {
    return guarded(await openFile(path, O_PATH | O_DIRECTORY), path, guard);
  }

  /** Opens the directory `name` in this one. @throws the system's error, ENOTDIR for a link. FileError when it is guarded. */
  openDirectory(name: string): Promise<DirectoryHandle> {
    return this.#call(async () => {
      const fd = await openFile(this.#at(name), pathFlags);
      return guarded(fd, joinPath(this.path, name), this.guard);
    });
  }

  /**
   * Opens the regular file `name`, with `flags` beside those that make it safe. The caller closes it.
   *
   * @throws the system's error, ELOOP for a link. FileError for what is no regular file, or is guarded.
   */
  openFile(name: string, flags: number = O_RDONLY): Promise<{ file: number; stats: BigIntStats }> {
    return this.#call(async () => {
      const file = await openFile(this.#at(name), flags | safeFlags);
      try {
        const stats = statNow(file);
        refuse(describeIrregular(stats), false);
        refuse(this.guard?.refuses(stats), true);
        return { file, stats };
      } catch (error) {
        closeNow(file);
        throw error;
      }
    });
  }

  /** Makes the file `name`, which must not be there, for writing. The caller closes it. @throws the system's error. */
  createFile(name: string, mode: number): Promise<number> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | safeFlags;
    return this.#call(() => openFile(this.#at(name), flags, mode));
  }

  /** What `name` is; a link is a link. @throws the system's error. */
  stat(name: string): Promise<BigIntStats> {
    return this.#call(() => fs.lstat(this.#at(name), { bigint: true }));
  }

  /** What this directory is. @throws the system's error. */
  statSelf(): Promise<BigIntStats> {
    return this.#call(async () => statNow(this.#fd));
  }

  /** Names in it, in no order, as the bytes that they are. @throws the system's error. */
  list(): Promise<Dirent<Buffer>[]> {
    return this.#call(() => fs.readdir(this.#at('.'), { withFileTypes: true, encoding: 'buffer' }));
  }

  /** Where a link points. @throws the system's error. */
  readLink(name: string): Promise<Buffer> {
    return this.#call(() => fs.readlink(this.#at(name), { encoding: 'buffer' }));
  }

  /** @throws the system's error. */
  makeDirectory(name: string, mode: number): Promise<void> {
    return this.#call(() => fs.mkdir(this.#at(name), { mode }).then(() => {}));
  }

  /** @throws the system's error. */
  makeLink(name: string, target: string): Promise<void> {
    return this.#call(() => fs.symlink(target, this.#at(name)));
  }

  /** Gives the file or link `name` a second name in `to`, unless that is there. @throws the system's error. FileError when it is guarded. */
  addName(name: string, second: string, to: DirectoryHandle = this): Promise<void> {
    return this.#call(() =>
      to.#call(async () => {
        await to.refuseName(second);
        await fs.link(this.#at(name), to.#at(second));
      }),
    );
  }

  /** Renames `name` to `newName` in `to`, replacing what is there. @throws the system's error. FileError when that is guarded. */
  rename(name: string, newName: string, to: DirectoryHandle = this): Promise<void> {
    return this.#call(() =>
      to.#call(async () => {
        await to.refuseName(newName);
        await fs.rename(this.#at(name), to.#at(newName));
      }),
    );
  }

  /** Removes a name that is no directory. @throws the system's error. */
  removeFile(name: string): Promise<void> {
    return this.#call(() => fs.unlink(this.#at(name)));
  }

  /** Removes an empty directory. @throws the system's error. */
  removeDirectory(name: string, options?: RmDirOptions): Promise<void> {
    return this.#call(() => fs.rmdir(this.#at(name), options));
  }

  /** Owner of `name` itself, of a link too; -1 leaves it as it is. @throws the system's error. */
  changeOwner(name: string, uid: number, gid: number): Promise<void> {
    return this.#call(() => fs.lchown(this.#at(name), uid, gid));
  }

  /** Time of `name` itself, of a link too, in seconds. @throws the system's error. */
  changeTimes(name: string, seconds: number): Promise<void> {
    return this.#call(() => fs.lutimes(this.#at(name), seconds, seconds));
  }

  /** Mode, owner and time of this directory itself are changed through this. @throws the system's error. */
  withDescriptor(work: (fd: number) => Promise<void>): Promise<void> {
    return this.#call(async () => {
      const fd = await openFile(this.#at('.'), O_RDONLY | O_DIRECTORY);
      try {
        await work(fd);
      } finally {
        closeNow(fd);
      }
    });
  }

  /** Makes the names in it durable. @throws the system's error. */
  sync(): Promise<void> {
    return this.withDescriptor(syncFile);
  }

  /** @throws FileError when the guard refuses that name here. */
  async refuseName(name: string): Promise<void> {
    if (!this.guard) return;
    // What it is never changes, and this is asked for each file that is put into it.
    this.#self ??= await this.statSelf();
    refuse(this.guard.refusesName(this.#self, name), true);
  }

  /** Which mount it is on. @throws the system's error. */
  async mountId(): Promise<string> {
    const info = await this.#call(() => fs.readFile(`/proc/self/fdinfo/${this.#fd}`, 'utf8'));
    return /^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? '';
  }

  /** Twice is once. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#closeWhenIdle();
  }

  #at(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#disposed && this.#calls === 0) throw new Error(`${this.path} was closed`);
    this.#calls += 1;
    try {
      return await work();
    } finally {
      this.#calls -= 1;
      if (this.#disposed) this.#closeWhenIdle();
    }
  }

  #closeWhenIdle(): void {
    if (this.#calls === 0) closeNow(this.#fd);
  }

  /** For `guarded` alone. */
  static wrap(fd: number, path: string, guard: Guard | undefined): DirectoryHandle {
    return new DirectoryHandle(fd, path, guard);
  }
}

async function guarded(fd: number, path: string, guard: Guard | undefined): Promise<DirectoryHandle> {
  const handle = DirectoryHandle.wrap(fd, path, guard);
  if (!guard) return handle;
  try {
    refuse(guard.refuses(await handle.statSelf()), true);
    return handle;
  } catch (error) {
    handle[Symbol.dispose]();
    throw error;
  }
}

function refuse(reason: string | undefined, denied: boolean): void {
  if (reason !== undefined) throw new FileError(reason, { denied });
}

/** Why a file that is not to be opened is none; undefined for a regular one. */
export function describeIrregular(stats: BigIntStats | Dirent<Buffer>): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return 'is a directory';
  if (stats.isSymbolicLink()) return 'is a symbolic link, and links are not followed';
  if (stats.isFIFO()) return 'is a pipe';
  if (stats.isSocket()) return 'is a socket';
  return 'is a device';
}

/** `name` in `directory`, for people; "." is the directory itself. */
export function joinPath(directory: string, name: string): string {
  if (name === '.') return directory;
  if (directory === '') return name;
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
}
