/** Takes standard input for a prompt: as an editor where it is a terminal, else line by line. */
import type { CommandContext } from '#cli/command.ts';
import { createCompleter } from './complete-line.ts';
import { History } from './history.ts';
import { type Lines, StreamLines } from './lines.ts';
import { TypedLines } from './typed-lines.ts';

/** The lines of this process's standard input. Says where what is typed cannot be kept. */
export function openLines(context: CommandContext): Lines {
  const { terminal, environment, historyFile, out } = context;
  if (!terminal) return new StreamLines(process.stdin, process.stderr);
  const history = new History(historyFile);
  if (history.problem !== undefined) out.errLine(`drover: ${history.problem}`);
  return new TypedLines({
    terminal,
    output: process.stderr,
    history,
    complete: createCompleter(context),
    capable: environment['TERM'] !== 'dumb',
  });
}
