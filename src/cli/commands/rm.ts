/** `drover rm`: removes files on nodes. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { changeFiles } from '#cli/files/change-files.ts';
import { readPlaces } from '#cli/files/read-places.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import type { rmSyntax } from '#cli/syntax/file-syntax.ts';

/** Removes them; the exit code tells whether all are gone. */
export async function rm(
  context: CommandContext,
  { options, words }: CommandLine<(typeof rmSyntax)['options']>,
): Promise<number> {
  if (words.length === 0) throw new UsageError('drover rm: what? write NODES:PATH, such as web1:old.conf');
  const { plan, paths } = await readPlaces(context, 'rm', words, options);
  const { recursive = false, force = false } = options;
  return await changeFiles(context, plan, options, {
    question: {
      what: ['rm', ...(recursive ? ['-r'] : []), ...paths.map(quoteWord)].join(' '),
      deed: 'remove it',
      refusal: 'nothing was removed',
    },
    order: (files, target, how) =>
      files.removeFiles({ target, remove: { paths: [...paths], recursive, force } }, how),
    done: 'removed on',
  });
}
