/**
 * The manual page, drover(1), out of the command table and the table of exit codes, so that it cannot differ from the help.
 * In the language of man(7).
 */
import { type CommandSyntax, optionLabel } from '#base/command-line.ts';
import type { Command } from './command.ts';
import { exitCodeMeanings, exitCodeNotes } from './exit-code-table.ts';
import { listCommands, programs } from './find-command.ts';
import { purpose, whichCluster } from './purpose.ts';

/**
 * The page.
 *
 * @param programHelps the help of each program of its own, by its name.
 */
export function renderManual(
  commands: readonly Command[],
  programHelps: ReadonlyMap<string, string>,
  version: string,
): string {
  const visible = commands.filter(({ hidden }) => !hidden);
  const lines = [
    `.TH DROVER 1 "" "drover ${version}" "Drover"`,
    '.SH NAME',
    text('drover - processes on any number of Linux nodes'),
    '.SH SYNOPSIS',
    '.B drover',
    '.I COMMAND',
    text('[options]'),
    '.SH DESCRIPTION',
    text(purpose),
    '.P',
    text(whichCluster),
    '.SH COMMANDS',
    ...listCommands(commands).flatMap(({ name, summary }) => item(`drover ${name}`, summary)),
    ...visible.flatMap(({ syntax }) => commandSection(syntax)),
    ...programs.flatMap(({ name }) => [
      `.SH ${heading(name)}`,
      ...literal((programHelps.get(name) ?? '').trimEnd().split('\n')),
    ]),
    '.SH EXIT STATUS',
    ...exitCodeMeanings.flatMap(([code, meaning]) => item(String(code), meaning)),
    ...exitCodeNotes.flatMap((note) => ['.P', text(note)]),
    '.SH ENVIRONMENT',
    ...item('DROVER_DATA', 'directory of the cluster'),
    ...item(
      'DROVER_CONFIRM_ABOVE',
      'a launch on more nodes than that is confirmed on a terminal (default: 10)',
    ),
    ...item('NO_COLOR', 'no colours, whatever its value, unless it is empty'),
  ];
  return `${lines.join('\n')}\n`;
}

function commandSection({ name, usage, summary, details = [], options, examples }: CommandSyntax): string[] {
  return [
    `.SH ${heading(name)}`,
    text(`drover ${name} ${usage}`.trimEnd()),
    '.P',
    text(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`),
    ...details.flatMap((paragraph) => ['.P', text(paragraph)]),
    ...Object.entries(options).flatMap(([option, spec]) => item(optionLabel(option, spec).trim(), spec.help)),
    '.P',
    text('Examples:'),
    ...literal(examples),
  ];
}

function heading(name: string): string {
  return text(`drover ${name}`.toUpperCase());
}

/** A term and what it means. */
function item(term: string, meaning: string): string[] {
  return ['.TP', `.B ${text(term)}`, text(meaning)];
}

/** Lines as they stand. */
function literal(lines: readonly string[]): string[] {
  return ['.P', '.nf', '.RS 4', ...lines.map(text), '.RE', '.fi'];
}

/** Characters that the formatter would take for orders, or print as others than those that were meant to be copied. */
const escapes: Readonly<Record<string, string>> = {
  '\\': String.raw`\e`,
  '-': String.raw`\-`,
  "'": String.raw`\(aq`,
  '"': String.raw`\(dq`,
  '`': String.raw`\(ga`,
  '^': String.raw`\(ha`,
  '~': String.raw`\(ti`,
};

/** One line of text, which is printed as it stands. */
function text(line: string): string {
  const escaped = line.replace(
    /[\\'"`^~-]|[^\x20-\x7e]/gu,
    (character) => escapes[character] ?? byCode(character),
  );
  return escaped.startsWith('.') ? `\\&${escaped}` : escaped;
}

function byCode(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`;
}
