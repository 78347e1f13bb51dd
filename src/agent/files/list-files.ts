/** Tells what is there, in the order of names, and follows nothing. Holds the names of the directories on the way down. */
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { closeNow, readFully } from '#base/files/descriptors.ts';
import { type DirectoryHandle, joinPath } from '#base/files/directory-handle.ts';
import { FileError } from '#base/files/file-error.ts';
import { mapAhead } from '#base/files/map-ahead.ts';
import { decodeName } from '#base/files/tree-path.ts';
import { encodeEntry, kindOf } from '#base/files/walk-tree.ts';
import { type FileEntry, FileKind, type ListFiles } from '#protocol/gen/drover/v1/file_pb.ts';
import type { FilesUp } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { answerFrame, problemFrame } from './file-answer.ts';
import type { FilePlaces } from './file-places.ts';
import type { OwnerNames } from './owner-names.ts';

/** Names that are looked at ahead of the one that is told. */
const lookAhead = 32;

interface Listing {
  readonly order: ListFiles;
  readonly owners: OwnerNames;
  readonly abort: AbortSignal;
  found: bigint;
}

/** One name, once it was looked at. */
type Looked = { readonly entry: FileEntry; readonly name: string } | { readonly problem: FilesUp };

/** Carries the order out. Never throws for a path: that is a problem. */
export async function* listFiles(
  order: ListFiles,
  places: FilePlaces,
  owners: OwnerNames,
  abort: AbortSignal,
): AsyncGenerator<FilesUp> {
  const listing: Listing = { order, owners, abort, found: 0n };
  for (const path of order.paths.length > 0 ? order.paths : ['.']) {
    if (abort.aborted) return;
    try {
      using place = await places.open(path, 'read');
      const entry = await look(listing, place.directory, place.name, path === '' ? '.' : path);
      const isDirectory = entry.kind === FileKind.DIRECTORY;
      if (!isDirectory || !order.contents) yield tell(listing, entry);
      if (isDirectory && (order.contents || order.recursive)) {
        // "a" and not "./a": what is told of the workspace can be asked for as it is told.
        const prefix = path === '.' ? '' : path;
        yield* listBelow(listing, place.directory, place.name, prefix, 1);
      }
    } catch (error) {
      yield problemFrame(path, error);
    }
  }
  yield answerFrame({ case: 'done', value: listing.found });
}

async function* listBelow(
  listing: Listing,
  above: DirectoryHandle,
  name: string,
  path: string,
  depth: number,
): AsyncGenerator<FilesUp> {
  if (depth > limits.fileDepthMax) throw new FileError(`is deeper than ${limits.fileDepthMax} directories`);
  using handle = await above.openDirectory(name);
  const names = await handle.list();
  names.sort((a, b) => Buffer.compare(a.name, b.name));
  for await (const looked of mapAhead(names, lookAhead, (dirent) => lookAt(listing, handle, dirent, path))) {
    if (listing.abort.aborted) return;
    if ('problem' in looked) {
      yield looked.problem;
      continue;
    }
    const { entry } = looked;
    yield tell(listing, entry);
    if (entry.kind !== FileKind.DIRECTORY || !listing.order.recursive) continue;
    try {
      yield* listBelow(listing, handle, looked.name, entry.path, depth + 1);
    } catch (error) {
      yield problemFrame(entry.path, error);
    }
  }
}

function tell(listing: Listing, entry: FileEntry): FilesUp {
  listing.found += 1n;
  return answerFrame({ case: 'entry', value: entry });
}

async function lookAt(
  listing: Listing,
  handle: DirectoryHandle,
  dirent: Dirent<Buffer>,
  above: string,
): Promise<Looked> {
  const path = joinPath(above, dirent.name.toString('utf8'));
  try {
    const name = decodeName(dirent.name);
    return { name, entry: await look(listing, handle, name, path) };
  } catch (error) {
    return { problem: problemFrame(path, error) };
  }
}

async function look(
  { order, owners }: Listing,
  handle: DirectoryHandle,
  name: string,
  path: string,
): Promise<FileEntry> {
  const stats = await handle.stat(name);
  const [user, group] = await Promise.all([owners.user(Number(stats.uid)), owners.group(Number(stats.gid))]);
  const kind = kindOf(stats);
  const linkTarget = kind === FileKind.SYMLINK ? decodeName(await handle.readLink(name)) : '';
  const sha256 =
    kind === FileKind.REGULAR && order.sha256 ? await digestFile(handle, name) : new Uint8Array();
  return encodeEntry(path, stats, kind, { user, group, linkTarget, sha256 });
}

async function digestFile(handle: DirectoryHandle, name: string): Promise<Buffer> {
  const { file } = await handle.openFile(name);
  try {
    const digest = createHash('sha256');
    const chunk = Buffer.allocUnsafe(limits.fileChunkBytes);
    for (let offset = 0; ; ) {
      const count = await readFully(file, chunk, offset);
      digest.update(chunk.subarray(0, count));
      offset += count;
      if (count < chunk.length) return digest.digest();
    }
  } finally {
    closeNow(file);
  }
}
