/** `drover file mv`: gives a file on nodes another name. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { showAnswers } from '#cli/files/ask-files.ts';
import { chooseFileTarget } from '#cli/files/file-target.ts';
import { readPlaces } from '#cli/files/read-places.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import type { moveFileSyntax } from '#cli/syntax/file-syntax.ts';

/** Moves it; the exit code tells whether all have it. */
export async function moveFile(
  context: CommandContext,
  { options, words }: CommandLine<(typeof moveFileSyntax)['options']>,
): Promise<number> {
  const places = await readPlaces(context, 'file mv', words, options);
  const [from = '', to = ''] = places.paths;
  if (from === '' || to === '') {
    throw new UsageError('drover file mv: give a path and its new name, such as: drover file mv web1:a b');
  }
  const force = options.force ?? false;
  const connection = await context.connect(options.data);
  const target = await chooseFileTarget(
    context,
    connection,
    places.plan,
    {},
    options.yes
      ? undefined
      : {
          what: ['mv', ...(force ? ['-f'] : []), quoteWord(from), quoteWord(to)].join(' '),
          deed: 'move it',
          refusal: 'nothing was moved',
        },
  );
  const answers = connection.files.moveFile({ target, move: { from, to, force } }, { signal: context.abort });
  return await showAnswers(context, answers, {
    style: places.plan.literal ? 'plain' : 'named',
    jsonl: options.output === 'jsonl',
    lines: () => [],
    done: 'moved on',
  });
}
