/** `drover file mkdir`: makes directories on nodes. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { showAnswers } from '#cli/files/ask-files.ts';
import { chooseFileTarget } from '#cli/files/file-target.ts';
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
  const connection = await context.connect(options.data);
  const target = await chooseFileTarget(
    context,
    connection,
    plan,
    {},
    options.yes
      ? undefined
      : {
          what: ['mkdir', ...(options.parents ? ['-p'] : []), ...paths.map(quoteWord)].join(' '),
          deed: 'make it',
          refusal: 'nothing was made',
        },
  );
  const make = {
    paths: [...paths],
    parents: options.parents ?? false,
    ...(mode === undefined ? {} : { mode }),
  };
  const answers = connection.files.makeDirectories({ target, make }, { signal: context.abort });
  return await showAnswers(context, answers, {
    style: plan.literal ? 'plain' : 'named',
    jsonl: options.output === 'jsonl',
    lines: () => [],
    done: 'made on',
  });
}
