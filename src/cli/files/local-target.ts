/** A path here as the target of a tree that is received: as with cp(1), a directory that is there takes it in. */
import { mkdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DirectoryHandle } from '#base/files/directory-handle.ts';
import { describeFileError, isSystemError } from '#base/files/file-error.ts';
import type { TargetRule } from '#base/files/settle-target.ts';
import type { SinkTarget } from '#base/files/sink-options.ts';
import { CommandError } from '#cli/command-error.ts';
import { exitCodes } from '#core/exit-code.ts';
import { isNodeName } from '#protocol/ids.ts';

/** An open target. Dispose of it when the tree is in place. */
export type LocalTarget = SinkTarget & Disposable;

/**
 * The target at `path`: where the rule says so a directory, as for several sources, or the copy itself.
 *
 * @throws CommandError where it is none, or its parent is not there.
 */
export async function openLocalTarget(
  path: string,
  { intoDirectory, exact }: TargetRule,
): Promise<LocalTarget> {
  if (!exact && (await isDirectory(path))) return await opened(path);
  if (exact && isNameless(path)) {
    throw new CommandError(exitCodes.requestFailed, `${path} has no name that what is copied could take`);
  }
  if (intoDirectory || path.endsWith('/')) {
    throw new CommandError(exitCodes.requestFailed, `${path} is no directory`);
  }
  return await opened(dirname(path), basename(path));
}

/**
 * The directory of one node beneath `path`, made where it is not there. With `exact` it is the copy itself.
 *
 * @param how with `dryRun` nothing is made.
 * @throws CommandError where it cannot be made, or would have to be.
 */
export async function openNodeTarget(
  path: string,
  node: string,
  { dryRun, exact }: { readonly dryRun: boolean; readonly exact: boolean },
): Promise<LocalTarget> {
  if (!isNodeName(node))
    throw new CommandError(exitCodes.requestFailed, `${JSON.stringify(node)} names no node`);
  const directory = exact ? path : join(path, node);
  if (dryRun && !(await isDirectory(directory))) {
    throw new CommandError(exitCodes.requestFailed, `${directory} is not there yet: all would be new`);
  }
  if (!dryRun) await attempt(`cannot make ${directory}`, () => mkdir(directory, { recursive: true }));
  return await opened(directory, exact ? node : undefined);
}

/** Such as "." and "/". */
function isNameless(path: string): boolean {
  return ['', '.', '..'].includes(basename(path));
}

async function opened(path: string, as?: string): Promise<LocalTarget> {
  const directory = await attempt(`cannot write to ${path}`, () => DirectoryHandle.open(path));
  return {
    directory,
    ...(as === undefined ? {} : { as }),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false;
    throw new CommandError(exitCodes.requestFailed, `cannot write to ${path}: ${describeFileError(error)}`);
  }
}

async function attempt<T>(what: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    throw new CommandError(exitCodes.requestFailed, `${what}: ${describeFileError(cause)}`, { cause });
  }
}
