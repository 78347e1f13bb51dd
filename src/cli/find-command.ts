/** Which command words mean. */
import type { Command } from './command.ts';

/** A command, and how many words its name has. */
export interface FoundCommand {
  readonly command: Command;
  readonly length: number;
}

/** Programs of their own that `bin/drover` starts by their word; their help is their own too. */
export const programs = [
  { name: 'controller', summary: 'the controller, in the foreground; --shell: with a prompt' },
  { name: 'agent', summary: 'the agent of a node, in the foreground; --join TOKEN lets it in' },
] as const;

/** The name of one of them. */
export type ProgramName = (typeof programs)[number]['name'];

/** The command of `commands` that `words` begin with; undefined where there is none. */
export function findCommand(
  commands: readonly Command[],
  words: readonly string[],
): FoundCommand | undefined {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const command = commands.find((one) => one.syntax.name === name);
    if (command) return { command, length: command.syntax.name.split(' ').length };
  }
  return undefined;
}

/** Name and summary of everything that can be called, as lists show them. */
export function listCommands(commands: readonly Command[]): { name: string; summary: string }[] {
  const visible = commands.filter(({ hidden }) => !hidden).map(({ syntax }) => syntax);
  return [...visible, ...programs].map(({ name, summary }) => ({ name, summary }));
}
