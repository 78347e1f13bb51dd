/**
 * What a line at the prompt means. Pure: one table for the words of the system that this one replaces, the command table
 * for our own; every other word runs on the selected nodes.
 */
import { parseCommandLine, UsageError } from '#base/command-line.ts';
import type { Command } from '#cli/command.ts';
import { findCommand } from '#cli/find-command.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import { leavingWords, oldWords, ourWords } from './prompt-words.ts';
import type { SelectionChange } from './selection.ts';
import { splitWords, type Word } from './split-words.ts';

/** What to do with a line. */
export type PromptStep =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'leave' }
  /** Select these nodes, or these too, or no more. */
  | { readonly kind: 'select'; readonly change: SelectionChange; readonly nodes: string }
  /** Show the selected nodes. */
  | { readonly kind: 'show' }
  /** Fold equal output, or do not any more. */
  | { readonly kind: 'fold' }
  /** Run a line in a shell on this machine. */
  | { readonly kind: 'local'; readonly line: string }
  | { readonly kind: 'history'; readonly words: readonly string[] }
  /** Call a command of the table with these words, its name included. */
  | { readonly kind: 'call'; readonly words: readonly string[] };

/**
 * Plans one line.
 *
 * @param commands the command table.
 * @throws UnfinishedLineError; UsageError for what only a shell could do.
 */
export function planLine(line: string, commands: readonly Command[]): PromptStep {
  const [, local] = /^\s*!(.*)$/s.exec(line) ?? [];
  if (local !== undefined) return planLocal(local.trim());
  const words = splitWords(line);
  const [first] = words;
  if (!first || first.text.startsWith('#')) return { kind: 'nothing' };
  if (first.text === '--') return planLaunch(line, words.slice(1));
  const texts = words.map((word) => word.text);
  const [change] = /^[@+-]/.exec(first.text) ?? [];
  if (change !== undefined) return planSelection(change as SelectionChange, texts.join(''));
  return planSign(texts) ?? planWord(line, words, texts, commands);
}

function planLocal(line: string): PromptStep {
  if (line === '') throw new UsageError('! needs a line for a shell on this machine, such as: !date');
  return { kind: 'local', line };
}

/** A sign or a word that stands alone. */
function planSign([first = '', ...rest]: readonly string[]): PromptStep | undefined {
  const sign = leavingWords.has(first) ? 'leave' : signs[first];
  if (sign === undefined) return undefined;
  if (rest.length > 0) throw new UsageError(`${first} stands alone: -- ${first} … runs it on the nodes`);
  return { kind: sign };
}

const signs: Readonly<Partial<Record<string, 'show' | 'fold'>>> = { '?': 'show', '=': 'fold' };

function planWord(
  line: string,
  words: readonly Word[],
  texts: readonly string[],
  commands: readonly Command[],
): PromptStep {
  const [first = '', ...rest] = texts;
  // Messages name commands as the command line has them.
  if (first === 'drover' && isOurs(rest[0])) return planWord(line, words.slice(1), rest, commands);
  const old = oldWords.get(first);
  if (first === 'h' || first === 'help') return { kind: 'call', words: ['help', ...planTopic(rest)] };
  if (old) return { kind: 'call', words: [...old, ...rest] };
  if (!ourWords.has(first)) return planLaunch(line, words);
  if (first === 'execute') return planExecute(line, words.slice(1), commands);
  if (first === 'history') return { kind: 'history', words: rest };
  const found = findCommand(commands, texts);
  if (found?.command.syntax.name === 'run')
    refuseShellSyntax(line, commandOfRun(words.slice(1), found.command));
  else if (!commands.some(({ syntax }) => syntax.name.split(' ')[0] === first)) {
    throw new UsageError(
      `${first} is kept for a command that this version does not have: -- ${first} runs a program of that name on the nodes`,
    );
  }
  return { kind: 'call', words: texts };
}

function isOurs(word: string | undefined): boolean {
  return word !== undefined && (ourWords.has(word) || oldWords.has(word));
}

/** An old word is explained by ours that stands for it. */
function planTopic([word = '', ...more]: readonly string[]): readonly string[] {
  const ours = word === 'execute' ? 'run' : oldWords.get(word)?.[0];
  return ours === undefined ? [word, ...more].filter((one) => one !== '') : [ours];
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

/** `@all`, `@role=web` and `@@gpu` are node sets as they stand; `@web[1-3]` selects those names, `+@gpu` adds that label. */
function planSelection(change: SelectionChange, text: string): PromptStep {
  const isSet = text === '@all' || /^@[^,!&^]*=/.test(text);
  const nodes = isSet ? text : text.slice(1);
  if (nodes === '')
    throw new UsageError(`${change} needs a node set, such as ${change}web[1-3]; ? shows what is selected`);
  return { kind: 'select', change, nodes };
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
