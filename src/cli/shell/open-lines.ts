/** Takes standard input for a prompt: as an editor where it is a terminal, else line by line. */
import type { CommandContext } from '#cli/command.ts';
import { type Lines, StreamLines, TerminalLines } from './lines.ts';

/** The lines of this process's standard input. */
export function openLines({ terminal }: Pick<CommandContext, 'terminal'>): Lines {
  return terminal
    ? new TerminalLines(process.stdin, process.stderr)
    : new StreamLines(process.stdin, process.stderr);
}
