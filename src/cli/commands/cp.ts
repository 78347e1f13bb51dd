/** `drover cp`: copies files to nodes, or from nodes. */
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { showAnswers } from '#cli/files/ask-files.ts';
import { copyFromNodes } from '#cli/files/copy-from-nodes.ts';
import { copyToNodes } from '#cli/files/copy-to-nodes.ts';
import { chooseFileTarget } from '#cli/files/file-target.ts';
import { openLocalSources } from '#cli/files/local-sources.ts';
import { openLocalTarget, openNodeTarget } from '#cli/files/local-target.ts';
import { parseMode } from '#cli/files/parse-mode.ts';
import { type CopyFromNodes, type CopyToNodes, planCopy, standardStream } from '#cli/files/plan-copy.ts';
import { spoolInput } from '#cli/files/spool-input.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import { readHostFile } from '#cli/read-host-file.ts';
import type { cpSyntax } from '#cli/syntax/file-syntax.ts';

/** Of what comes from standard input, where nobody says. */
const inputMode = 0o644;

type Options = OptionValues<(typeof cpSyntax)['options']>;

/** Copies; the exit code tells whether all is there. */
export async function cp(
  context: CommandContext,
  { options, words }: CommandLine<(typeof cpSyntax)['options']>,
): Promise<number> {
  const { abort, selection } = context;
  const hosts = options.hostfile === undefined ? [] : await readHostFile(options.hostfile, abort);
  const exact = options['no-target-directory'] ?? false;
  const plan = planCopy(words, { options, selection, hosts, exact });
  return plan.direction === 'to'
    ? await copyTo(context, options, plan)
    : await copyFrom(context, options, plan);
}

async function copyTo(context: CommandContext, options: Options, copy: CopyToNodes): Promise<number> {
  const asked = options.mode === undefined ? undefined : parseMode(options.mode, '--mode');
  await using spooled = await spool(context, copy.sources);
  const mode = asked ?? (spooled && inputMode);
  using sources = await openLocalSources(spooled ? [spooled.path] : copy.sources);
  const connection = await context.connect(options.data);
  const dryRun = options['dry-run'] ?? false;
  const asks = !(options.yes || dryRun);
  const target = await chooseFileTarget(
    context,
    connection,
    copy.plan,
    options,
    asks ? question(copy) : undefined,
  );
  const put = {
    destination: copy.destination,
    intoDirectory: copy.intoDirectory,
    exactDestination: copy.exact,
    preserve: options.preserve ?? false,
    owner: options.owner ?? '',
    ...(mode === undefined ? {} : { mode }),
    backup: options.backup ?? false,
    checksum: options.checksum ?? false,
    dryRun,
    report: dryRun || options.output === 'jsonl',
  };
  return await copyToNodes(context, connection, {
    tops: sources.tops,
    recursive: options.recursive ?? false,
    target: { target, put },
    jsonl: options.output === 'jsonl',
  });
}

async function spool({ input, abort }: CommandContext, [source]: readonly string[]) {
  if (source !== standardStream) return undefined;
  if (!input) throw new UsageError('drover cp: it would copy standard input, and the prompt has that');
  return await spoolInput(input, abort);
}

function question({ sources, destination }: CopyToNodes) {
  return {
    what: `cp ${[...sources, `:${destination}`].map(quoteWord).join(' ')}`,
    deed: 'copy it',
    refusal: 'nothing was copied',
  };
}

async function copyFrom(context: CommandContext, options: Options, copy: CopyFromNodes): Promise<number> {
  if (options.owner !== undefined) throw new UsageError('drover cp: --owner is for a copy to nodes');
  const mode = options.mode === undefined ? undefined : parseMode(options.mode, '--mode');
  const connection = await context.connect(options.data);
  const target = await chooseFileTarget(context, connection, copy.plan, options, undefined);
  const { plan, paths, destination, exact } = copy;
  if (destination === standardStream) {
    const read = { path: paths[0] ?? '' };
    const answers = connection.files.readFile({ target, read }, { signal: context.abort });
    return await showAnswers(context, answers, {
      style: 'raw',
      jsonl: false,
      lines: () => [],
      done: undefined,
    });
  }
  const dryRun = options['dry-run'] ?? false;
  return await copyFromNodes(context, connection, {
    target: { target, get: { paths: [...paths], recursive: options.recursive ?? false } },
    openTarget: (node) =>
      plan.literal
        ? openLocalTarget(destination, { intoDirectory: paths.length > 1, exact })
        : openNodeTarget(destination, node, { dryRun, exact }),
    sink: {
      preserve: options.preserve ?? false,
      ...(mode === undefined ? {} : { mode }),
      backup: options.backup ?? false,
      checksum: options.checksum ?? false,
      dryRun,
      report: dryRun || options.output === 'jsonl',
      setid: options.preserve ?? false,
    },
    jsonl: options.output === 'jsonl',
  });
}
