/**
 * The placeholders of the command table, such as SET in "-w SET". They are written for people; that a value is a node set is
 * known by its placeholder too, so that help and behaviour cannot differ.
 */
import type { CommandSyntax } from '#base/command-line.ts';

/**
 * The placeholders of a command's words, in their order, out of its usage: "NODE [--] ARGV…" gives NODE and ARGV. The last
 * stands for all further words too. Those of options in the usage ("-w SET") are not among them.
 */
export function wordPlaceholders({ usage }: Pick<CommandSyntax, 'usage'>): string[] {
  const words = usage.replace(/--?[a-z][a-z-]* [A-Z=]+/g, '');
  return words.match(/\b[A-Z]{2,}\b/g) ?? [];
}

/** The words of which a usage wants one: "bash|zsh|fish" gives those three. */
export function wordChoices({ usage }: Pick<CommandSyntax, 'usage'>): string[] {
  return /(?<!\S)[a-z]+(?:\|[a-z]+)+(?!\S)/.exec(usage)?.[0].split('|') ?? [];
}

/** What a placeholder stands for, where that can be completed or checked. */
export type Meaning =
  | 'node set'
  | 'node'
  /** A path on nodes, NODES:PATH, or where the command allows it a path here. */
  | 'place'
  | 'label selector'
  | 'task'
  | 'join token'
  | 'user'
  | 'role'
  | 'verb'
  | 'user token'
  | 'signal'
  | 'file'
  | 'directory'
  | 'program'
  | 'help topic';

const meanings: Readonly<Record<string, Meaning>> = {
  SET: 'node set',
  NODE: 'node',
  NODES: 'place',
  PATH: 'place',
  SRC: 'place',
  DST: 'place',
  EXPR: 'label selector',
  REF: 'task',
  ID: 'join token',
  USERNAME: 'user',
  ROLE: 'role',
  VERB: 'verb',
  TOKEN: 'user token',
  SIGNAL: 'signal',
  FILE: 'file',
  DIR: 'directory',
  ARGV: 'program',
  COMMAND: 'help topic',
};

/** Undefined for one that stands for any text, or for nothing. */
export function meaningOf(placeholder: string | undefined): Meaning | undefined {
  return placeholder !== undefined && Object.hasOwn(meanings, placeholder)
    ? meanings[placeholder]
    : undefined;
}

/** The meaning of a command's word, counted from 0; undefined for a word that it does not take. */
export function meaningOfWord(
  syntax: Pick<CommandSyntax, 'usage' | 'words'>,
  index: number,
): Meaning | undefined {
  if (index >= syntax.words.max) return undefined;
  const placeholders = wordPlaceholders(syntax);
  return meaningOf(placeholders[index] ?? placeholders.at(-1));
}
