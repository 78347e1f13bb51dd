/**
 * A run into files: the very bytes that each node prints, in a file for each of its two outputs. Files are opened for each
 * piece and closed again: a run may have more nodes than a process may have open files.
 */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '#base/command-line.ts';
import { CommandError } from '#cli/command-error.ts';
import { describeGone } from '#cli/output/log-printer.ts';
import type { Output } from '#cli/output/output.ts';
import { exitCodes } from '#core/exit-code.ts';
import { type LogChunk, LogSource, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { isNodeName } from '#protocol/ids.ts';
import type { RunView } from './run-view.ts';

/** Files that are made at once. */
const madeAtOnce = 64;

/**
 * Makes the directory, and those above it.
 *
 * @throws UsageError where that cannot be.
 */
export async function makeOutputDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(`--outdir: cannot make ${directory}: ${code}`, { cause });
  }
}

/**
 * Empties the files of all tasks' nodes, so that nothing in them is of another run.
 *
 * @throws CommandError where they cannot be written.
 */
export async function makeOutputFiles(directory: string, tasks: readonly Task[]): Promise<void> {
  const paths = tasks.flatMap(({ node }) => sources.map((source) => filePath(directory, node, source)));
  for (let from = 0; from < paths.length; from += madeAtOnce) {
    await Promise.all(paths.slice(from, from + madeAtOnce).map((path) => attempt(path, writeFile(path, ''))));
  }
}

/** Writes files, and hands on to `shown` what is not output. @param shown is told of output too where `showsOutput`. */
export function filesView(out: Output, directory: string, shown: RunView, showsOutput: boolean): RunView {
  return {
    wantsOutput: true,
    hasFooter: true,
    task: (task) => shown.task(task),
    async log(chunk: LogChunk) {
      const path = filePath(directory, chunk.node, chunk.source);
      if (chunk.goneBytes > 0n) out.errLine(describeGone(chunk));
      if (chunk.data.length > 0) await attempt(path, appendFile(path, chunk.data));
      if (showsOutput) await shown.log(chunk);
    },
    flush: () => shown.flush(),
    finish: (followed) => shown.finish(followed),
  };
}

const sources = [LogSource.STDOUT, LogSource.STDERR] as const;

/** A name that is no node's could lead out of the directory. */
function filePath(directory: string, node: string, source: LogSource): string {
  if (!isNodeName(node)) throw new Error(`${JSON.stringify(node)} is no name of a node`);
  return join(directory, `${node}.${source === LogSource.STDERR ? 'err' : 'out'}`);
}

async function attempt(path: string, writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CommandError(exitCodes.requestFailed, `cannot write ${path}: ${code}`, { cause });
  }
}
