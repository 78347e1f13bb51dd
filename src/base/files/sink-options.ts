/** How a tree is put in place, and what is planned of modes and times from it. Does nothing to any file. */
import type { BigIntStats } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { FileEntry } from '#protocol/gen/drover/v1/file_pb.ts';
import type { DirectoryHandle } from './directory-handle.ts';

/** Where a tree goes. */
export interface SinkTarget {
  /** The directory that takes the top entries. The caller's to dispose of, afterwards. */
  readonly directory: DirectoryHandle;
  /** The name that the single top entry takes there; undefined where each keeps its own. */
  readonly as?: string;
}

/** How. @see PutFiles in file.proto */
export interface SinkOptions {
  readonly target: SinkTarget;
  readonly clock: Clock;
  readonly preserve: boolean;
  /** Numbers of the owner and group of what is created; -1 leaves one as it is. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly mode?: number;
  readonly backup: boolean;
  readonly dryRun: boolean;
  readonly checksum: boolean;
  readonly report: boolean;
  /** Whether set-uid and set-gid may be kept; otherwise they are dropped. */
  readonly setid: boolean;
}

/** What times lose on their way through a double: 2^-22 s, and a microsecond is less than anybody sees. */
const timeToleranceNs = 1_000n;

/** Mode of a file or directory that is created. */
export interface PlannedMode {
  /** The mode. */
  readonly mode: number;
  /** Whether the umask is not to be taken from it. */
  readonly exact: boolean;
}

/** The mode of a regular file. */
export function planFileMode(entry: FileEntry, { mode, preserve, setid }: SinkOptions): PlannedMode {
  const kept = setid ? 0o7777 : 0o1777;
  if (mode !== undefined) return { mode: mode & kept, exact: true };
  if (preserve) return { mode: entry.mode & kept, exact: true };
  return { mode: entry.mode & 0o777, exact: false };
}

/** The mode of a directory: searched by whoever may read it. */
export function planDirectoryMode(entry: FileEntry, options: SinkOptions): PlannedMode {
  const { mode, exact } = planFileMode(entry, options);
  return options.mode === undefined ? { mode, exact } : { mode: mode | ((mode & 0o444) >> 2), exact };
}

/** Time of an entry in seconds, as the system's calls take it. */
export function secondsOf({ modifiedAt }: FileEntry): number {
  return modifiedAt ? Number(modifiedAt.seconds) + modifiedAt.nanos / 1e9 : 0;
}

/** Whether a file that is there has every attribute that it would be given. */
export function hasAttributes(stats: BigIntStats, entry: FileEntry, options: SinkOptions): boolean {
  const { owner, preserve } = options;
  const { mode, exact } = planFileMode(entry, options);
  if (exact && (Number(stats.mode) & 0o7777) !== mode) return false;
  if (owner && owner.uid >= 0 && BigInt(owner.uid) !== stats.uid) return false;
  if (owner && owner.gid >= 0 && BigInt(owner.gid) !== stats.gid) return false;
  return !preserve || isSameTime(stats, entry);
}

function isSameTime({ mtimeNs }: BigIntStats, { modifiedAt }: FileEntry): boolean {
  const wanted = (modifiedAt?.seconds ?? 0n) * 1_000_000_000n + BigInt(modifiedAt?.nanos ?? 0);
  const apart = mtimeNs - wanted;
  return apart <= timeToleranceNs && apart >= -timeToleranceNs;
}
