/** `drover help`: the list of commands, one of them, or the exit codes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type CommandLine, renderHelp, renderRows, UsageError, wrap } from '#base/command-line.ts';
import { programCommand, version } from '#base/installation.ts';
import { nearestWord } from '#base/nearest-word.ts';
import type { Command, CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { renderExitCodes } from '#cli/exit-code-table.ts';
import { findCommand, listCommands, type ProgramName, programs } from '#cli/find-command.ts';
import { purpose, whichCluster } from '#cli/purpose.ts';
import { ourWords, promptWords } from '#cli/shell/prompt-words.ts';
import type { helpSyntax } from '#cli/syntax/cluster-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';

/** Prints help; exit code 2 for a command that does not exist. */
export async function help(
  context: CommandContext,
  { options, words }: CommandLine<(typeof helpSyntax)['options']>,
): Promise<number> {
  const { out } = context;
  const topic = words.join(' ');
  if (options.man) return await printManual(context, topic);
  const program = programs.find(({ name }) => name === topic);
  if (program) return await helpOfProgram(program.name);
  const atPrompt = context.selection !== undefined;
  if (topic === '') {
    const render = atPrompt ? renderPromptHelp : renderOverview;
    out.out(render(context.commands, out.columns));
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
    ...wrap(purpose, width),
    '',
    'Commands:',
    ...renderRows(rows, width),
    '',
    ...wrap(
      `drover help COMMAND explains one, drover help exit-codes the exit codes. ${whichCluster}`,
      width,
    ),
    '',
  ].join('\n');
}

/** What can be typed at the prompt. */
function renderPromptHelp(commands: readonly Command[], width = 80): string {
  const rows = listCommands(commands)
    .filter(({ name }) => ourWords.has(name.split(' ')[0] ?? ''))
    .map(({ name, summary }) => [name, summary] as const);
  return [
    'Any word that is not here runs on the selected nodes, such as: uptime',
    '',
    'Commands, as on the command line; COMMAND --help explains one:',
    ...renderRows(rows, width),
    '',
    'Words and signs of the prompt:',
    ...renderRows(promptWords, width),
    '',
  ].join('\n');
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

async function helpOfProgram(name: ProgramName): Promise<number> {
  const { file, args } = programCommand(name, ['--help']);
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : exitCodes.requestFailed;
}

async function printManual({ commands, out }: CommandContext, topic: string): Promise<number> {
  if (topic !== '') throw new UsageError('drover help: --man prints the whole manual: leave the command out');
  const { renderManual } = await import('#cli/manual.ts');
  const texts = await Promise.all(programs.map(async ({ name }) => [name, await readHelp(name)] as const));
  out.out(renderManual(commands, new Map(texts), version));
  return exitCodes.success;
}

/** The help of a program of its own, whose options are not in the table. */
async function readHelp(name: ProgramName): Promise<string> {
  const { file, args } = programCommand(name, ['--help']);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [help, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new CommandError(exitCodes.requestFailed, `drover ${name} --help failed`);
  return help;
}
