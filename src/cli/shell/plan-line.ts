/**
 * What a line at the prompt means. Pure: one table for the words of the system that this one replaces, the command table
 * for our own; every other word runs on the selected nodes.
 */
import { parseCommandLine, UsageError } from '#base/command-line.ts';
import type { Command } from '#cli/command.ts';
import { findCommand } from '#cli/find-command.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import { leavingWords, oldWords } from './prompt-words.ts';
import { splitWords, type Word } from './split-words.ts';

/** What to do with a line. */
export type PromptStep =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'leave' }
  /** Select these nodes. */
  | { readonly kind: 'select'; readonly nodes: string }
  /** Call a command of the table with these words, its name included. */
  | { readonly kind: 'call'; readonly words: readonly string[] };

/**
 * Plans one line.
 *
 * @param commands the command table.
 * @throws UnfinishedLineError; UsageError for what only a shell could do.
 */
export function planLine(line: string, commands: readonly Command[]): PromptStep {
  const words = splitWords(line);
  const [first] = words;
  if (!first || first.text.startsWith('#')) return { kind: 'nothing' };
  const texts = words.map((word) => word.text);
  const rest = texts.slice(1);
  if (first.text.startsWith('@')) return planSelection(texts);
  if (leavingWords.has(first.text) && rest.length === 0) return { kind: 'leave' };
  if (first.text === '--') return planLaunch(line, words.slice(1));
  const old = oldWords.get(first.text);
  if (old) return { kind: 'call', words: [...old, ...rest] };
  if (first.text === 'execute') return planExecute(line, words.slice(1), commands);
  const found = findCommand(commands, texts);
  if (!found?.command.atPrompt) return planLaunch(line, words);
  if (found.command.syntax.name === 'run')
    refuseShellSyntax(line, commandOfRun(words.slice(1), found.command));
  return { kind: 'call', words: texts };
}

/** `execute` takes what `run` takes; where it begins with no option, all of it is the command. */
function planExecute(line: string, words: readonly Word[], commands: readonly Command[]): PromptStep {
  const texts = words.map((word) => word.text);
  if (!texts[0]?.startsWith('-')) {
    refuseShellSyntax(line, words);
    return { kind: 'call', words: ['run', '-d', '--', ...texts] };
  }
  const run = findCommand(commands, ['run'])?.command;
  if (run) refuseShellSyntax(line, commandOfRun(words, run));
  return { kind: 'call', words: ['run', '-d', ...texts] };
}

/** `@all`, `@role=web` and `@@gpu` are node sets as they stand; `@web[1-3]` selects those names. */
function planSelection(words: readonly string[]): PromptStep {
  const text = words.join('');
  const isSet = text === '@all' || /^@[^,!&^]*=/.test(text);
  return { kind: 'select', nodes: isSet ? text : text.slice(1) };
}

function planLaunch(line: string, words: readonly Word[]): PromptStep {
  if (words.length === 0) throw new UsageError('-- needs a command after it');
  refuseShellSyntax(line, words);
  return { kind: 'call', words: ['run', '--', ...words.map((word) => word.text)] };
}

function refuseShellSyntax(line: string, words: readonly Word[]): void {
  const special = words.find((word) => word.special !== undefined)?.special;
  if (special === undefined) return;
  const command = line.trim().replace(/^(?:--|(?:execute|run)(?:\s.*?)?\s--|execute)\s+/, '');
  throw new UsageError(
    `${special} means something to a shell only, and there is none: quote it, or: run --shell ${quoteWord(command)}`,
  );
}

/** Those of the words after `run` that are the command: after `--`; from the first that is no option's where there is no `--`. */
function commandOfRun(words: readonly Word[], { syntax }: Command): readonly Word[] {
  const dashes = words.findIndex((word) => word.text === '--');
  if (dashes !== -1) return words.slice(dashes + 1);
  const { length } = parseCommandLine(
    syntax,
    words.map((word) => word.text),
  ).words;
  return length === 0 ? [] : words.slice(-length);
}
