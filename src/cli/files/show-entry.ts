/** What is known of a file, as lines for people. Node names stand elsewhere, so that equal lines of several nodes are equal. */
import { showTime } from '#cli/output/format-time.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import { formatSize } from '#core/format-size.ts';
import { type FileEntry, FileKind } from '#protocol/gen/drover/v1/file_pb.ts';
import { showMode } from './parse-mode.ts';

interface KindWords {
  /** As `ls -l` has it. */
  readonly letter: string;
  /** Behind the name in a list. */
  readonly sign: string;
  readonly word: string;
}

const kinds: Readonly<Record<FileKind, KindWords>> = {
  [FileKind.UNSPECIFIED]: { letter: '?', sign: '', word: 'unknown' },
  [FileKind.REGULAR]: { letter: '-', sign: '', word: 'regular file' },
  [FileKind.DIRECTORY]: { letter: 'd', sign: '/', word: 'directory' },
  [FileKind.SYMLINK]: { letter: 'l', sign: '@', word: 'symbolic link' },
  [FileKind.OTHER]: { letter: '?', sign: '', word: 'device, pipe or socket' },
};

/** A kind of a later version is one that this one does not know. */
function wordsOf({ kind }: FileEntry): KindWords {
  return kinds[kind] ?? kinds[FileKind.UNSPECIFIED];
}

/** Its name, with a sign of what it is. */
export function showName(entry: FileEntry): string {
  return oneLine(entry.path) + wordsOf(entry).sign;
}

/** One line of a long list: mode, owner, size, time, name. */
export function showLong(entry: FileEntry): string {
  const { path, mode, size, modifiedAt, linkTarget } = entry;
  const owner = `${ownerOf(entry)}:${groupOf(entry)}`;
  const target = entry.kind === FileKind.SYMLINK ? ` -> ${oneLine(linkTarget)}` : '';
  return [
    showMode(wordsOf(entry).letter, mode),
    owner.padEnd(16),
    String(size).padStart(12),
    showTime(modifiedAt),
    `${oneLine(path)}${target}`,
  ].join(' ');
}

/** Everything, over several lines: the path, then a line for each fact. */
export function showWhole(entry: FileEntry): string[] {
  const { path, mode, size, diskBytes, modifiedAt, linkTarget, sha256, uid, gid } = entry;
  const facts: (readonly [string, string])[] = [
    ['kind', wordsOf(entry).word],
    ...(entry.kind === FileKind.SYMLINK ? [['target', oneLine(linkTarget)] as const] : []),
    ['size', `${size} bytes (${formatSize(size)}), ${formatSize(diskBytes)} on the disk`],
    ['mode', `${mode.toString(8).padStart(4, '0')} ${showMode(wordsOf(entry).letter, mode)}`],
    ['owner', `${ownerOf(entry)}:${groupOf(entry)} (${uid}:${gid})`],
    ['modified', showTime(modifiedAt)],
    ...(sha256.length > 0 ? [['sha256', Buffer.from(sha256).toString('hex')] as const] : []),
  ];
  return [oneLine(path), ...facts.map(([name, value]) => `  ${name.padEnd(9)} ${value}`)];
}

function ownerOf({ user, uid }: FileEntry): string {
  return oneLine(user) || String(uid);
}

function groupOf({ group, gid }: FileEntry): string {
  return oneLine(group) || String(gid);
}
