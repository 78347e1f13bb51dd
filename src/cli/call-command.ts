/** Words to a command, a failure to a line on standard error and an exit code. */
import { UsageError } from '#base/command-line.ts';
import { nearestWord } from '#base/nearest-word.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { Command, CommandContext } from './command.ts';
import { findCommand, listCommands } from './find-command.ts';
import { printFailure } from './print-failure.ts';
import { oldWords } from './shell/prompt-words.ts';

/**
 * Calls the command that `words` name, and resolves to its exit code. Never rejects: what went wrong is printed.
 * A command that was aborted says nothing more: whoever aborted it knows.
 */
export async function callCommand(context: CommandContext, words: readonly string[]): Promise<number> {
  try {
    const found = findCommand(context.commands, words);
    if (!found && isHelpOfGroup(words)) return await callCommand(context, ['help', words[0] ?? '']);
    if (!found) throw new UsageError(explainUnknown(context.commands, words));
    return await found.command.call(context, words.slice(found.length));
  } catch (error) {
    if (context.abort.aborted) return exitCodes.interrupted;
    return printFailure(context, error, context.connectedTo());
  }
}

/** `join-token --help`: the help of all that begins so. */
function isHelpOfGroup([word, option, ...more]: readonly string[]): boolean {
  return word !== undefined && (option === '--help' || option === '-h') && more.length === 0;
}

function explainUnknown(commands: readonly Command[], [word = '']: readonly string[]): string {
  const names = listCommands(commands).map(({ name }) => name);
  const beneath = names.filter((name) => name.startsWith(`${word} `));
  if (beneath.length > 0) {
    return `drover ${word} is incomplete: ${beneath.map((name) => `drover ${name}`).join(', ')}`;
  }
  const ours = oldWords.get(word) ?? oldWords.get(nearestWord(word, [...names, ...oldWords.keys()]) ?? '');
  const nearest = ours?.join(' ') ?? nearestWord(word, names);
  const hint = nearest === undefined ? 'drover help lists the commands' : `did you mean drover ${nearest}?`;
  return `there is no command ${JSON.stringify(word)}: ${hint}`;
}
