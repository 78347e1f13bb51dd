/** `drover rm`: removes files on nodes. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { showAnswers } from '#cli/files/ask-files.ts';
import { chooseFileTarget } from '#cli/files/file-target.ts';
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
  const connection = await context.connect(options.data);
  const target = await chooseFileTarget(
    context,
    connection,
    plan,
    {},
    options.yes
      ? undefined
      : {
          what: ['rm', ...(recursive ? ['-r'] : []), ...paths.map(quoteWord)].join(' '),
          deed: 'remove it',
          refusal: 'nothing was removed',
        },
  );
  const answers = connection.files.removeFiles(
    { target, remove: { paths: [...paths], recursive, force } },
    { signal: context.abort },
  );
  return await showAnswers(context, answers, {
    style: plan.literal ? 'plain' : 'named',
    jsonl: options.output === 'jsonl',
    lines: () => [],
    done: 'removed on',
  });
}
