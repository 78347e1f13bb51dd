/**
 * Refuses a malformed node set or label selector before anything else happens: here the error can point at the character that was typed, and
 * no controller has to be reached for it.
 */
import type { CommandLine, CommandSyntax } from '#base/command-line.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { parseSelector } from '#core/selector/parse-selector.ts';
import { wordPlaceholders } from './placeholders.ts';

/** What reads the values that stand for each placeholder. */
const parsers = new Map<string, (text: string) => unknown>([
  ['SET', parseNodeSet],
  ['EXPR', parseSelector],
]);

/**
 * Reads every expression of a command line.
 *
 * @throws ExpressionError for the first that is malformed.
 */
export function checkExpressions(
  syntax: CommandSyntax,
  { options, words }: Pick<CommandLine<CommandSyntax['options']>, 'options' | 'words'>,
): void {
  for (const [name, { value = '' }] of Object.entries(syntax.options)) {
    const parse = parsers.get(value);
    const given: unknown = options[name];
    if (parse) for (const text of [given].flat()) if (typeof text === 'string') parse(text);
  }
  const placeholders = wordPlaceholders(syntax);
  for (const [index, word] of words.entries()) {
    parsers.get(placeholders[index] ?? placeholders.at(-1) ?? '')?.(word);
  }
}
