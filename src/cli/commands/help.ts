/** `drover help`: the list of commands, one of them, or the exit codes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  type CommandLine,
  type OptionSpecs,
  renderHelp,
  renderRows,
  UsageError,
  wrap,
} from '#base/command-line.ts';
import { programCommand } from '#base/installation.ts';
import type { Command, CommandContext } from '#cli/command.ts';
import { renderExitCodes } from '#cli/exit-code-table.ts';
import { findCommand, listCommands, programs } from '#cli/find-command.ts';
import { nearestWord } from '#cli/nearest-word.ts';
import { promptWords } from '#cli/shell/prompt-words.ts';
import { exitCodes } from '#core/exit-code.ts';

/** Prints help; exit code 2 for a command that does not exist. */
export async function help(context: CommandContext, line: CommandLine<OptionSpecs>): Promise<number> {
  const { words } = line;
  const { out } = context;
  const topic = words.join(' ');
  const program = programs.find(({ name }) => name === topic);
  if (program) return await helpOfProgram(program.name);
  if (topic === '') {
    out.out(renderOverview(context.commands, out.columns));
    if (context.selection !== undefined) out.out(renderPromptWords(out.columns));
  } else if (topic === 'exit-codes') out.out(renderExitCodes(out.columns));
  else out.out(renderTopic(context.commands, words, out.columns));
  return exitCodes.success;
}

/** The list of commands. */
export function renderOverview(commands: readonly Command[], width = 80): string {
  const rows = listCommands(commands).map(({ name, summary }) => [name, summary] as const);
  return [
    'usage: drover COMMAND [options]',
    '',
    ...wrap('Launches processes on any number of Linux nodes, and answers for them until their end.', width),
    '',
    'Commands:',
    ...renderRows(rows, width),
    '',
    ...wrap(
      'drover help COMMAND explains one, drover help exit-codes the exit codes. The cluster is that of --data DIR, else of DROVER_DATA, else of /var/lib/drover (root) or ~/.local/share/drover (anybody else).',
      width,
    ),
    '',
  ].join('\n');
}

/** What the prompt understands beside the commands. */
function renderPromptWords(width = 80): string {
  return ['', 'At the prompt also:', ...renderRows(promptWords, width), ''].join('\n');
}

function renderTopic(
  commands: readonly Command[],
  words: readonly string[],
  width: number | undefined,
): string {
  const found = findCommand(commands, words);
  if (found && found.length === words.length) return renderHelp(found.command.syntax, width);
  const topic = words.join(' ');
  const names = listCommands(commands).map(({ name }) => name);
  const beneath = commands.filter(({ syntax }) => syntax.name.startsWith(`${topic} `));
  if (beneath.length > 0) return beneath.map(({ syntax }) => renderHelp(syntax, width)).join('\n');
  const nearest = nearestWord(topic, [...names, 'exit-codes']);
  const hint = nearest === undefined ? '' : `: did you mean drover help ${nearest}?`;
  throw new UsageError(`there is no help on ${JSON.stringify(topic)}${hint}`);
}

async function helpOfProgram(name: (typeof programs)[number]['name']): Promise<number> {
  const { file, args } = programCommand(name, ['--help']);
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : exitCodes.requestFailed;
}
