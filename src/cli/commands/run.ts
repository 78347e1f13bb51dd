/** `drover run`: launches a command on nodes, and follows it until it has ended everywhere. */

import { readFile } from 'node:fs/promises';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { describeFileError } from '#base/files/file-error.ts';
import type { CommandContext } from '#cli/command.ts';
import { readHostFile } from '#cli/read-host-file.ts';
import { launchRun } from './launch-run.ts';
import { parseEnvFile, planRun, type RunOptions } from './plan-run.ts';
import { planTarget } from './plan-target.ts';

/** Resolves to the exit code that cli.md's table gives. */
export async function run(context: CommandContext, line: CommandLine<RunOptions>): Promise<number> {
  const { options } = line;
  const request = planRun(line, await readEnvFiles(options['env-file'] ?? []));
  if (options.hostfile === '-' && context.selection !== undefined) {
    throw new UsageError('--hostfile - reads what is typed here: give a file');
  }
  if (options.hostfile === '-' && options.stdin) {
    throw new UsageError('drover run: --hostfile - and --stdin both read standard input: give a file');
  }
  const hosts = options.hostfile === undefined ? [] : await readHostFile(options.hostfile, context.abort);
  const target = planTarget('run', options, context.selection, hosts);
  return await launchRun(context, 'run', options, target, request);
}

async function readEnvFiles(paths: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(
    paths.map((path) =>
      readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
        throw new UsageError(`--env-file: cannot read ${path}: ${describeFileError(cause)}`, { cause });
      }),
    ),
  );
  return texts.flatMap(parseEnvFile);
}
