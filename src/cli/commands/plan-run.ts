/** What `drover run` was asked to do, out of its command line. Pure: files of variables are read by the caller. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import { parseDuration } from '#cli/output/format-duration.ts';
import { parseSignal } from '#cli/signals.ts';
import type { runSyntax } from '#cli/syntax/run-syntax.ts';
import { type CreateRunRequestSchema, WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { LeftoverPolicy, StdinMode, type TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { planLimits } from './plan-limits.ts';
import { planPacing } from './plan-pacing.ts';
import { planRestart } from './plan-restart.ts';

/** Options of `drover run`. */
export type RunOptions = (typeof runSyntax)['options'];

/** All of a request but its id and its nodes. */
export type RunRequest = Omit<
  MessageInitShape<typeof CreateRunRequestSchema>,
  '$typeName' | 'id' | 'nodes' | 'exclude' | 'selector'
>;

/**
 * Plans a run, but for its nodes.
 *
 * @param fileEnv variables from --env-file, in order; --env wins over them.
 * @throws UsageError and ExpressionError for what cannot be meant.
 */
export function planRun(line: CommandLine<RunOptions>, fileEnv: readonly string[] = []): RunRequest {
  const { options } = line;
  const pacing = planPacing(options);
  return {
    name: options.name ?? '',
    spec: planSpec(line, fileEnv),
    whenUnreachable: options['wait-for-nodes'] ? WhenUnreachable.WAIT : WhenUnreachable.FAIL,
    ...(pacing ? { pacing } : {}),
  };
}

function planSpec(
  { options, words, rest }: CommandLine<RunOptions>,
  fileEnv: readonly string[],
): MessageInitShape<typeof TaskSpecSchema> {
  const argv = [...words, ...(rest ?? [])];
  if (options.shell !== undefined && argv.length > 0) {
    throw new UsageError(
      `drover run: --shell takes the place of a command: ${JSON.stringify(argv[0])} is one too many`,
    );
  }
  if (options.shell === undefined && argv.length === 0) {
    throw new UsageError('drover run: what? give a command, such as: drover run -a -- uptime');
  }
  if (options.shell !== undefined && options.command) {
    throw new UsageError('drover run: --shell and --command exclude each other');
  }
  if (argv[0] === '') {
    throw new UsageError(
      'drover run: the command is an empty word: give one, such as: drover run -a -- uptime',
    );
  }
  return {
    argv: options.shell === undefined ? argv : ['/bin/sh', '-c', options.shell],
    shell: options.shell !== undefined,
    ...(options.command ? { named: true } : {}),
    cwd: options.cwd ?? '',
    user: options.user ?? '',
    env: planEnv([...fileEnv, ...(options.env ?? [])]),
    timeoutMs: BigInt(parseOptionalDuration(options.timeout, '--timeout')),
    stopSignal:
      options['stop-signal'] === undefined ? '' : parseSignal(options['stop-signal'], '--stop-signal'),
    stopGraceMs: BigInt(parseOptionalDuration(options['stop-grace'], '--stop-grace')),
    ...planProcess(options),
  };
}

/** What was asked for only: the rest is the node's own. */
function planProcess(options: OptionValues<RunOptions>): MessageInitShape<typeof TaskSpecSchema> {
  const restart = planRestart(options);
  return {
    ...(options.umask === undefined ? {} : { umask: parseUmask(options.umask) }),
    ...(options.nice === undefined ? {} : { nice: parseNice(options.nice) }),
    ...planLimits(options.limit ?? []),
    ...(restart ? { restart } : {}),
    ...(options.stdin ? { stdin: StdinMode.STREAM } : {}),
    ...(options.leftovers === 'keep' ? { leftovers: LeftoverPolicy.KEEP } : {}),
  };
}

/** Octal, as everywhere: 22 is 022. */
function parseUmask(text: string): number {
  if (/^0?[0-7]{1,3}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageError(
    `--umask takes up to three octal digits such as 022 or 077, not ${JSON.stringify(text)}`,
  );
}

function parseNice(text: string): number {
  const nice = /^[+-]?\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (nice >= -20 && nice <= 19) return nice;
  throw new UsageError(`--nice takes a number from -20 to 19, not ${JSON.stringify(text)}`);
}

function parseOptionalDuration(text: string | undefined, option: string): number {
  return text === undefined ? 0 : parseDuration(text, option);
}

/** Variables, each "NAME=VALUE", by name. @throws UsageError */
export function planEnv(assignments: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    assignments.map((assignment) => {
      const equals = assignment.indexOf('=');
      if (equals < 1) throw new UsageError(`--env takes NAME=VALUE, not ${JSON.stringify(assignment)}`);
      return [assignment.slice(0, equals), assignment.slice(equals + 1)];
    }),
  );
}

/** The assignments in a file of variables: one NAME=VALUE a line, empty lines and those that begin with # left out. */
export function parseEnvFile(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
}
