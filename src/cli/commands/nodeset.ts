/** `drover nodeset`: expands, folds and counts node sets. Asks the cluster only where the text alone does not tell. */
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { parseCount } from '#cli/parse-count.ts';
import { readHostFile } from '#cli/read-host-file.ts';
import type { nodesetSyntax } from '#cli/syntax/tool-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { pickNames } from '#core/node-set/pick-names.ts';
import { needsNodes, resolveTarget, type Target } from '#core/node-set/resolve-target.ts';
import { parseSelector } from '#core/selector/parse-selector.ts';

type Options = OptionValues<(typeof nodesetSyntax)['options']>;

/** What to print of names; none has a final newline. */
const forms = {
  expand: (names: readonly string[]) => names.join('\n'),
  fold: foldNodeNames,
  count: (names: readonly string[]) => String(names.length),
} as const;

/** Prints the set in the form that was asked for; 6 where nothing is left of it. */
export async function nodeset(
  context: CommandContext,
  { options, words }: CommandLine<(typeof nodesetSyntax)['options']>,
): Promise<number> {
  const form = formOf(options);
  const pick = options.pick === undefined ? undefined : parseCount(options.pick, '--pick');
  const target = await planTarget(options, words, context.abort);
  const universe = needsNodes(target) ? await listNodes(context, options.data) : [];
  const { names, unknown } = resolveTarget(target, universe);
  const all = target.selector ? names : [...names, ...unknown].sort(compareNames);
  const chosen = pick === undefined ? all : pickNames(all, pick, Math.random);
  const text = form(chosen);
  if (text !== '') context.out.outLine(text);
  if (chosen.length > 0) return exitCodes.success;
  context.out.errLine('drover nodeset: nothing is left');
  return exitCodes.noNode;
}

function formOf(options: Options): (names: readonly string[]) => string {
  const asked = (['expand', 'fold', 'count'] as const).filter((name) => options[name]);
  const [name] = asked;
  if (name === undefined || asked.length > 1) {
    throw new UsageError('drover nodeset: give one of -e (expand), -f (fold) and -c (count)');
  }
  return forms[name];
}

async function planTarget(options: Options, words: readonly string[], abort: AbortSignal): Promise<Target> {
  const { hostfile } = options;
  const fromFile = hostfile === undefined ? [] : await readHostFile(hostfile, abort);
  if (hostfile !== undefined && fromFile.length === 0) {
    throw new UsageError(`--hostfile: there is no node in ${hostfile}`);
  }
  const texts = options.all ? [...words, '@all'] : words;
  const sets = [...texts.map(parseNodeSet), ...fromFile];
  if (sets.length === 0 && options.label === undefined) {
    throw new UsageError('drover nodeset: which nodes? give sets, --hostfile FILE, -l EXPR, or all with -a');
  }
  return {
    sets,
    selector: options.label === undefined ? undefined : parseSelector(options.label),
    exclude: options.exclude === undefined ? [] : [parseNodeSet(options.exclude)],
  };
}

async function listNodes(context: CommandContext, dataDirectory: string | undefined) {
  const connection = await context.connect(dataDirectory);
  return (await connection.nodes.listNodes({}, callOptions(context))).nodes;
}
