/** `drover file mkdir`: makes directories on nodes. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { changeFiles } from '#cli/files/change-files.ts';
import { parseMode } from '#cli/files/parse-mode.ts';
import { readPlaces } from '#cli/files/read-places.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import type { makeDirectoriesSyntax } from '#cli/syntax/file-syntax.ts';

/** Makes them; the exit code tells whether all are there. */
export async function makeDirectories(
  context: CommandContext,
  { options, words }: CommandLine<(typeof makeDirectoriesSyntax)['options']>,
): Promise<number> {
  if (words.length === 0) {
    throw new UsageError('drover file mkdir: what? write NODES:PATH, such as web1:releases/42');
  }
  const { plan, paths } = await readPlaces(context, 'file mkdir', words, options);
  const mode = options.mode === undefined ? undefined : parseMode(options.mode, '--mode');
  const { parents = false } = options;
  const make = { paths: [...paths], parents, ...(mode === undefined ? {} : { mode }) };
  return await changeFiles(context, plan, options, {
    question: {
      what: ['mkdir', ...(parents ? ['-p'] : []), ...paths.map(quoteWord)].join(' '),
      deed: 'make it',
      refusal: 'nothing was made',
    },
    order: (files, target, how) => files.makeDirectories({ target, make }, how),
    done: 'made on',
  });
}
