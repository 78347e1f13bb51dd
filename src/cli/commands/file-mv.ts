/** `drover file mv`: gives a file on nodes another name. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { changeFiles } from '#cli/files/change-files.ts';
import { readPlaces } from '#cli/files/read-places.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import type { moveFileSyntax } from '#cli/syntax/file-syntax.ts';

/** Moves it; the exit code tells whether all have it. */
export async function moveFile(
  context: CommandContext,
  { options, words }: CommandLine<(typeof moveFileSyntax)['options']>,
): Promise<number> {
  const { plan, paths } = await readPlaces(context, 'file mv', words, options);
  const [from = '', to = ''] = paths;
  if (from === '' || to === '') {
    throw new UsageError('drover file mv: give a path and its new name, such as: drover file mv web1:a b');
  }
  const { force = false } = options;
  return await changeFiles(context, plan, options, {
    question: {
      what: ['mv', ...(force ? ['-f'] : []), quoteWord(from), quoteWord(to)].join(' '),
      deed: 'move it',
      refusal: 'nothing was moved',
    },
    order: (files, target, how) => files.moveFile({ target, move: { from, to, force } }, how),
    done: 'moved on',
  });
}
