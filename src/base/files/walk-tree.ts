/**
 * What a tree holds, as the frames of its manifest: entries in order, parents first, names sorted; with what cannot be sent
 * as problems among them. Holds the names of the directories on the way down, and reads a few files ahead.
 */
import type { BigIntStats, Dirent } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { type FileEntry, FileEntrySchema, FileKind } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { type DirectoryHandle, describeIrregular, joinPath } from './directory-handle.ts';
import { describeFileError, FileError } from './file-error.ts';
import { mapAhead } from './map-ahead.ts';
import { type FileVersion, SourceFile } from './source-file.ts';
import { decodeName } from './tree-path.ts';

/** Files that are opened and read ahead of the one that is sent: the disk answers several at once. */
const readAhead = 32;

/** One thing that was asked for. */
export interface TreeTop {
  /** The directory that it is in; the caller's to dispose of. */
  readonly directory: DirectoryHandle;
  /** Its name there. */
  readonly name: string;
  /** The first component of its paths in the tree; default `name`. */
  readonly as?: string;
}

/** Where a file is found again: the way down from a top. */
export interface FilePlace {
  readonly top: TreeTop;
  /** Directories beneath the top, the top's own name first; none for a top that is a file. */
  readonly directories: readonly string[];
  readonly name: string;
}

/** What the walk finds. */
export type Found =
  | { readonly kind: 'entry'; readonly entry: FileEntry; readonly large?: LargeFound }
  | { readonly kind: 'problem'; readonly path: string; readonly error: string; readonly denied: boolean };

/** A file whose chunks follow. */
export interface LargeFound {
  readonly place: FilePlace;
  readonly version: FileVersion;
}

interface Level {
  readonly top: TreeTop;
  readonly handle: DirectoryHandle;
  readonly directories: readonly string[];
  readonly path: string;
}

/** What stat does not tell. */
export type MoreOfEntry = Partial<Pick<FileEntry, 'content' | 'linkTarget' | 'sha256' | 'user' | 'group'>>;

/** What is known of a name before it is opened. */
type NameKind = Dirent<Buffer> | BigIntStats;

/** Walks `tops` in their order. Ends early when `abort` aborts, without an error. */
export async function* walkTree(
  tops: readonly TreeTop[],
  recursive: boolean,
  abort: AbortSignal,
): AsyncGenerator<Found> {
  for (const top of tops) {
    if (abort.aborted) return;
    const path = top.as ?? top.name;
    const level = { top, handle: top.directory, directories: [], path: '' };
    try {
      const stats = await top.directory.stat(top.name);
      if (stats.isDirectory()) yield* walkDirectory(level, top.name, path, recursive, abort);
      else yield await look(level, top.name, path, stats);
    } catch (error) {
      yield problem(path, error);
    }
  }
}

async function* walkDirectory(
  above: Level,
  name: string,
  path: string,
  recursive: boolean,
  abort: AbortSignal,
): AsyncGenerator<Found> {
  if (!recursive) throw new FileError('is a directory, and the copy is not recursive (-r)');
  if (above.directories.length >= limits.fileDepthMax - 1) {
    throw new FileError(`is deeper than ${limits.fileDepthMax} directories`);
  }
  using handle = await above.handle.openDirectory(name);
  yield entryFound(path, await handle.statSelf(), FileKind.DIRECTORY);
  const level = { top: above.top, handle, directories: [...above.directories, name], path };
  const names = await handle.list();
  names.sort((a, b) => Buffer.compare(a.name, b.name));
  for await (const found of mapAhead(names, readAhead, (dirent) => lookAt(level, dirent))) {
    if (abort.aborted) return;
    if (!('descend' in found)) yield found;
    else {
      const below = joinPath(path, found.descend);
      try {
        yield* walkDirectory(level, found.descend, below, recursive, abort);
      } catch (error) {
        yield problem(below, error);
      }
    }
  }
}

/** Never rejects. */
async function lookAt(level: Level, dirent: Dirent<Buffer>): Promise<Found | { readonly descend: string }> {
  let path = joinPath(level.path, dirent.name.toString('utf8'));
  try {
    const name = decodeName(dirent.name);
    path = joinPath(level.path, name);
    if (Buffer.byteLength(path) > limits.filePathBytesMax) {
      throw new FileError(`is longer than ${limits.filePathBytesMax} bytes`);
    }
    const kind = await toldKind(level.handle, dirent);
    return kind.isDirectory() ? { descend: name } : await look(level, name, path, kind);
  } catch (error) {
    return problem(path, error);
  }
}

/** What a name is: as its listing tells, which some file systems do not. @throws the system's error. */
export async function toldKind(handle: DirectoryHandle, dirent: Dirent<Buffer>): Promise<NameKind> {
  const common = dirent.isFile() || dirent.isDirectory() || dirent.isSymbolicLink();
  return common ? dirent : handle.stat(decodeName(dirent.name));
}

/** @throws what keeps it from being sent. */
async function look(level: Level, name: string, path: string, kind: NameKind): Promise<Found> {
  const { handle, directories, top } = level;
  if (kind.isSymbolicLink()) {
    const [stats, target] = await Promise.all([handle.stat(name), handle.readLink(name)]);
    return entryFound(path, stats, FileKind.SYMLINK, { linkTarget: decodeName(target) });
  }
  // A device is not even opened: that alone may rewind a tape.
  if (!kind.isFile()) throw new FileError(`${describeIrregular(kind)}, which is not copied`);
  using file = await SourceFile.open(handle, name);
  const { stats } = file;
  if (file.size <= limits.fileInlineBytesMax) {
    return entryFound(path, stats, FileKind.REGULAR, { content: await file.readWhole() });
  }
  const { ino, size, mtimeNs } = stats;
  const large = { place: { top, directories, name }, version: { ino, size, mtimeNs } };
  return { ...entryFound(path, stats, FileKind.REGULAR), large };
}

function entryFound(
  path: string,
  stats: BigIntStats,
  kind: FileKind,
  more: MoreOfEntry = {},
): Extract<Found, { kind: 'entry' }> {
  return { kind: 'entry', entry: encodeEntry(path, stats, kind, more) };
}

/** What a file is. */
export function kindOf(stats: BigIntStats): FileKind {
  if (stats.isFile()) return FileKind.REGULAR;
  if (stats.isDirectory()) return FileKind.DIRECTORY;
  return stats.isSymbolicLink() ? FileKind.SYMLINK : FileKind.OTHER;
}

/** What stat tells of a file, as the wire has it. */
export function encodeEntry(
  path: string,
  stats: BigIntStats,
  kind: FileKind,
  more: MoreOfEntry = {},
): FileEntry {
  const seconds = stats.mtimeNs / 1_000_000_000n;
  // Before 1970 the nanoseconds still count forward.
  const floored = stats.mtimeNs % 1_000_000_000n < 0n ? seconds - 1n : seconds;
  return create(FileEntrySchema, {
    path,
    kind,
    size: kind === FileKind.REGULAR ? stats.size : 0n,
    mode: Number(stats.mode) & 0o7777,
    modifiedAt: { seconds: floored, nanos: Number(stats.mtimeNs - floored * 1_000_000_000n) },
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    diskBytes: stats.blocks * 512n,
    ...more,
  });
}

function problem(path: string, error: unknown): Found {
  const denied = error instanceof FileError && error.denied;
  return { kind: 'problem', path, error: describeFileError(error), denied };
}
