/** Whether an order about files can be meant, as far as the request alone tells. Pure; what a node allows is its policy's business. */
import { quote } from '#core/quote.ts';
import type { FileTarget } from '#protocol/gen/drover/v1/api_pb.ts';
import type { FileOrder, PutFiles, ReadFile } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { isOpen } from './resolve-nodes.ts';
import { findPacingProblem } from './validate-pacing.ts';

/** As long as two names of users can be. */
const ownerMax = 512;
const modeMax = 0o7777;

/** What is wrong with the target, one line; undefined when nothing is. */
export function findTargetProblem(target: FileTarget | undefined): string | undefined {
  if (!target || isOpen(target)) return 'no nodes are named: an empty target never means all';
  if (target.bytesPerSecond > BigInt(Number.MAX_SAFE_INTEGER)) {
    return `${target.bytesPerSecond} bytes a second are out of range`;
  }
  if ((target.pacing?.batchSleepMs ?? 0n) > 0n) return 'there is no pause between nodes for files';
  return findPacingProblem(target.pacing);
}

/** What is wrong with the order, one line; undefined when nothing is. */
export function findOrderProblem({ kind }: FileOrder): string | undefined {
  switch (kind.case) {
    case 'put':
      return findPutProblem(kind.value);
    case 'get':
      return findPathsProblem(kind.value.paths);
    case 'remove':
      return findPathsProblem(kind.value.paths) ?? findNamelessProblem(kind.value.paths);
    case 'makeDirectories':
      return (
        findPathsProblem(kind.value.paths) ??
        findNamelessProblem(kind.value.paths) ??
        findModeProblem(kind.value.mode)
      );
    case 'list':
      return kind.value.paths.length === 0 ? undefined : findPathsProblem(kind.value.paths);
    case 'read':
      return (
        findPathProblem(kind.value.path) ??
        findNamelessProblem([kind.value.path]) ??
        findReadProblem(kind.value)
      );
    case 'move':
      return findPathsProblem([kind.value.from, kind.value.to]) ?? findNamelessProblem([kind.value.from]);
    default:
      return 'it says nothing of what is to be done';
  }
}

function findPutProblem(put: PutFiles): string | undefined {
  const { destination, owner, mode, intoDirectory, exactDestination } = put;
  if (intoDirectory && exactDestination)
    return 'the destination is the copy itself, or a directory for it, not both';
  if (owner.length > ownerMax || /[\s\0]/.test(owner)) return `${quote(owner)} cannot be an owner`;
  if (owner.split(':').length > 2) return `${quote(owner)} is no owner: USER, USER:GROUP or :GROUP`;
  return findModeProblem(mode) ?? findPathProblem(destination);
}

function findReadProblem({
  headLines,
  tailLines,
  headBytes,
  tailBytes,
  follow,
}: ReadFile): string | undefined {
  const parts = [headLines, tailLines, headBytes, tailBytes].filter((count) => count > 0n);
  if (parts.length > 1)
    return 'of a file one part is read: its first or its last lines, its first or its last bytes';
  const isHead = headLines > 0n || headBytes > 0n;
  return follow && isHead ? 'the beginning of a file cannot be followed' : undefined;
}

function findPathsProblem(paths: readonly string[]): string | undefined {
  if (paths.length === 0) return 'no path is named';
  if (paths.length > limits.filePathsMax) {
    return `${paths.length} paths are named, at most ${limits.filePathsMax} are taken`;
  }
  for (const path of paths) {
    const problem = findPathProblem(path);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Copied and listed, the empty path is a node's workspace. Nothing else can be done to that. */
function findNamelessProblem(paths: readonly string[]): string | undefined {
  return paths.includes('') ? "a path is empty, which is the node's workspace itself" : undefined;
}

function findPathProblem(path: string): string | undefined {
  if (path.includes('\0')) return `the path ${quote(path)} has a NUL`;
  const bytes = Buffer.byteLength(path);
  if (bytes <= limits.filePathBytesMax) return undefined;
  return `the path ${quote(path)} has ${bytes} bytes, at most ${limits.filePathBytesMax} are taken`;
}

function findModeProblem(mode: number | undefined): string | undefined {
  return (mode ?? 0) > modeMax ? `mode ${mode} is more than permission bits` : undefined;
}
