/**
 * Refuses a malformed node set or label selector before anything else happens: here the error can point at the character that
 * was typed, and no controller has to be reached for it.
 */
import type { CommandLine, CommandSyntax } from '#base/command-line.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { parseSelector } from '#core/selector/parse-selector.ts';
import { parseNodePath } from './files/node-path.ts';
import { type Meaning, meaningOf, meaningOfWord } from './placeholders.ts';

/** What reads values of each meaning. */
const parsers: Partial<Record<Meaning, (text: string) => unknown>> = {
  'node set': parseNodeSet,
  'label selector': parseSelector,
  place: parsePlace,
};

/** The node set of a place that names one. */
function parsePlace(text: string): void {
  const nodes = parseNodePath(text)?.nodes ?? '';
  if (nodes !== '') parseNodeSet(nodes);
}

/**
 * Reads every expression of a command line.
 *
 * @throws ExpressionError for the first that is malformed.
 */
export function checkExpressions(
  syntax: CommandSyntax,
  { options, words }: Pick<CommandLine<CommandSyntax['options']>, 'options' | 'words'>,
): void {
  for (const [name, { value }] of Object.entries(syntax.options)) {
    const given: unknown = options[name];
    for (const text of [given].flat()) if (typeof text === 'string') check(meaningOf(value), text);
  }
  for (const [index, word] of words.entries()) check(meaningOfWord(syntax, index), word);
}

function check(meaning: Meaning | undefined, text: string): void {
  if (meaning !== undefined) parsers[meaning]?.(text);
}
