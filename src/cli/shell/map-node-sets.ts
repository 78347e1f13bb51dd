/** Finds the node sets among the words of a command. */
import { type CommandSyntax, optionAwaitingValue } from '#base/command-line.ts';
import { parseNodePath, writeNodePath } from '#cli/files/node-path.ts';
import { type Meaning, meaningOf, meaningOfWord } from '#cli/placeholders.ts';

/**
 * The words with `change` applied to each node set, be it an option's value or a word of its own. What follows `--`, and the
 * command of one whose options end at its first word, stays.
 *
 * @param words what follows the command's name.
 */
export async function mapNodeSets(
  syntax: CommandSyntax,
  words: readonly string[],
  change: (set: string) => Promise<string>,
): Promise<string[]> {
  const changed: string[] = [];
  let count = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '--') return [...changed, ...words.slice(i)];
    if (word.startsWith('-') && word !== '-') {
      const [, name = '', value = ''] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
      changed.push(isNodeSet(syntax, name) ? `--${name}=${await change(value)}` : word);
      const awaiting = optionAwaitingValue(syntax, word);
      const next = words[i + 1];
      if (awaiting === undefined || next === undefined) continue;
      changed.push(isNodeSet(syntax, awaiting) ? await change(next) : next);
      i += 1;
    } else {
      if (syntax.stopAtFirstWord) return [...changed, ...words.slice(i)];
      changed.push(await changeWord(meaningOfWord(syntax, count), word, change));
      count += 1;
    }
  }
  return changed;
}

async function changeWord(
  meaning: Meaning | undefined,
  word: string,
  change: (set: string) => Promise<string>,
): Promise<string> {
  if (meaning === 'node set') return await change(word);
  const place = meaning === 'place' ? parseNodePath(word) : undefined;
  if (!place || place.nodes === '') return word;
  return writeNodePath({ ...place, nodes: await change(place.nodes) });
}

function isNodeSet(syntax: CommandSyntax, option: string): boolean {
  return Object.hasOwn(syntax.options, option) && meaningOf(syntax.options[option]?.value) === 'node set';
}
