/**
 * Splits a line of the prompt into words as a shell would, and goes no further: quotes and backslashes group, nothing is
 * expanded. What a shell would act upon is kept as text and marked, for the caller to refuse where it matters.
 */

/** A word of a line. */
export interface Word {
  readonly text: string;
  /** The first character of it that a shell would act upon, outside quotes; undefined where there is none. */
  readonly special: string | undefined;
  /** Where it begins in the line. */
  readonly start: number;
}

/** The line ends inside quotes, or after a backslash. The message is one line. */
export class UnfinishedLineError extends Error {
  override readonly name = 'UnfinishedLineError';
}

const specials = new Set('|><&;*?$`');
/** Characters that a backslash escapes inside double quotes; before others it stands for itself, as in a shell. */
const escapableInDoubleQuotes = new Set('"\\$`');

/**
 * The words of `line`. Words that touch are one: `a"b c"'d'` is `ab cd`; `""` is an empty word.
 *
 * @throws UnfinishedLineError
 */
export function splitWords(line: string): Word[] {
  const words: Word[] = [];
  let word: { text: string; special: string | undefined; start: number } | undefined;
  for (let i = 0; i < line.length; i++) {
    const character = line.charAt(i);
    if (/\s/.test(character)) {
      if (word) words.push(word);
      word = undefined;
      continue;
    }
    word ??= { text: '', special: undefined, start: i };
    if (character === "'" || character === '"') {
      const quoted = readQuoted(line, i);
      word.text += quoted.text;
      i = quoted.end;
    } else if (character === '\\') {
      i += 1;
      if (i >= line.length) throw new UnfinishedLineError('the line ends after a backslash');
      word.text += line.charAt(i);
    } else {
      word.text += character;
      if (specials.has(character)) word.special ??= character;
    }
  }
  if (word) words.push(word);
  return words;
}

/** What closes a line, and stands for nothing. */
const ends = ['', "'", '"'] as const;
/** Typed by nobody: it makes a word where there is none yet, and is taken off it. */
const cursor = '\u0000';

/** The words of a line that is still being typed: the last one is where its end is, may be empty, and may be open. */
export function splitTyped(line: string): [...before: Word[], current: Word] {
  const open = ends.find((end) => isWhole(line + cursor + end)) ?? '';
  const words = splitWords(line + cursor + open);
  const current = words.pop() ?? { text: cursor, special: undefined, start: line.length };
  return [...words, { ...current, text: current.text.slice(0, -1) }];
}

function isWhole(line: string): boolean {
  try {
    splitWords(line);
    return true;
  } catch {
    return false;
  }
}

/** What stands between the quote at `start` and its partner at `end`. */
function readQuoted(line: string, start: number): { text: string; end: number } {
  const quote = line.charAt(start);
  let text = '';
  for (let i = start + 1; i < line.length; i++) {
    const character = line.charAt(i);
    if (character === quote) return { text, end: i };
    const next = line.charAt(i + 1);
    if (quote === '"' && character === '\\' && escapableInDoubleQuotes.has(next)) {
      text += next;
      i += 1;
    } else text += character;
  }
  throw new UnfinishedLineError(`the line ends inside ${quote === '"' ? 'double' : 'single'} quotes`);
}
