/**
 * Command lines from a table: one description of a command gives its parsing, its help, its completion and its
 * man page, so that they cannot differ. Parsing is Node's own `parseArgs`.
 */
import { parseArgs } from 'node:util';
import { nearestWord } from './nearest-word.ts';

/** One option of a command. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** One letter, without the dash. */
  readonly short?: string;
  /** Name of the value in help, such as "SET". For strings. */
  readonly value?: string;
  /** What it does, one line, lower case. */
  readonly help: string;
  /** May be given several times; the value is then an array. */
  readonly multiple?: boolean;
  /** The only values that it takes. */
  readonly choices?: readonly string[];
  /** Heading under which help shows it, for a command with many options. */
  readonly group?: string;
  /** Its value may begin with a dash, as what is random does; otherwise that is taken for a forgotten value. For strings. */
  readonly mayBeginWithDash?: boolean;
  /** For one that may be given once: what to do instead of giving it twice, such as "join node sets with a comma". */
  readonly insteadOfTwice?: string;
}

/** How many words a command takes besides its options. */
export interface WordCount {
  readonly max: number;
  /** For one that takes some: what to do instead of giving more, such as "join node sets with a comma". */
  readonly insteadOfMore?: string;
}

/** Of a command that takes options only. */
export const noWords: WordCount = { max: 0 };
/** Of a command that takes as many as there are. */
export const anyWords: WordCount = { max: Number.POSITIVE_INFINITY };

/** The options of a command by their long names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type OptionValue<S extends OptionSpec> = S extends { multiple: true }
  ? string[]
  : S extends { type: 'boolean' }
    ? boolean
    : string;

/** What was given for each option; absent where nothing was. */
export type OptionValues<O extends OptionSpecs> = { readonly [K in keyof O]?: OptionValue<O[K]> };

/** A command as help and parsing need it. */
export interface CommandSyntax<O extends OptionSpecs = OptionSpecs> {
  /** Words that call it, such as "join-token create". */
  readonly name: string;
  /** One line for the list of commands, lower case, no full stop. */
  readonly summary: string;
  /** What follows the name in the usage line, such as "TARGET [options] -- ARGV…". */
  readonly usage: string;
  /** More words than these are a usage error, so that none is ever overlooked. */
  readonly words: WordCount;
  readonly options: O;
  /** Example lines, each as typed. */
  readonly examples: readonly string[];
  /** Paragraphs that the summary has no room for. */
  readonly details?: readonly string[];
  /**
   * Options end at the first word that is none, so that a command to run keeps its own: `run web1 ls -l`.
   * Off by default: options and words may mix.
   */
  readonly stopAtFirstWord?: boolean;
}

/** A command line that was understood. */
export interface CommandLine<O extends OptionSpecs> {
  readonly options: OptionValues<O>;
  /** Words that are no options; those after `--` too, where options do not end at the first word anyway. */
  readonly words: readonly string[];
  /** Everything after `--` of a command whose options end at its first word; undefined where there is no `--`. */
  readonly rest: readonly string[] | undefined;
}

/** The command line is malformed. The message is one line for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads `argv` (without the command's own name) by `syntax`. Nothing is overlooked: what is given is used or refused.
 *
 * @throws UsageError for an option that does not exist, lacks its value or has an empty one, has one that it does not take
 *   or that is none of its choices, or has a value and is given twice; for words too many or empty; and for
 *   text that was no UTF-8.
 */
export function parseCommandLine<O extends OptionSpecs>(
  syntax: CommandSyntax<O>,
  argv: readonly string[],
): CommandLine<O> {
  checkEncoding(syntax, argv);
  const split = endOfOptions(syntax, argv);
  const { values, positionals } = parseOwn(syntax, argv.slice(0, split));
  const options = values as OptionValues<O>;
  const after = argv.slice(split);
  const separated = after[0] === '--';
  if (syntax.stopAtFirstWord) {
    return separated
      ? { options, words: positionals, rest: after.slice(1) }
      : { options, words: [...positionals, ...after], rest: undefined };
  }
  const words = [...positionals, ...after.slice(1)];
  checkWords(syntax, words);
  return { options, words, rest: undefined };
}

/** Node.js decodes arguments as UTF-8 and puts U+FFFD for what is none: what was meant cannot be known any more. */
function checkEncoding(syntax: CommandSyntax, argv: readonly string[]): void {
  const broken = argv.find((word) => word.includes('\ufffd'));
  if (broken === undefined) return;
  throw new UsageError(`drover ${syntax.name}: ${JSON.stringify(broken)} is not valid UTF-8`);
}

function checkWords({ name, words: { max, insteadOfMore } }: CommandSyntax, words: readonly string[]): void {
  if (words.some((word) => word.trim() === ''))
    throw new UsageError(`drover ${name}: one of its words is empty: leave it out`);
  const extra = words[max];
  if (extra === undefined) return;
  const takes = max === 0 ? 'options only' : max === 1 ? 'one word' : `${max} words at the most`;
  const what = insteadOfMore ?? `leave it out, or see drover help ${name}`;
  throw new UsageError(
    `drover ${name} takes ${takes}, and ${JSON.stringify(extra)} is one too many: ${what}`,
  );
}

function parseOwn(syntax: CommandSyntax, own: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(syntax.options).map(([name, { type, short, multiple = false }]) => [
      name,
      short === undefined ? { type, multiple } : { type, short, multiple },
    ]),
  );
  // Not strict: its messages are several sentences long, and the last of two values would win without a word.
  const parsed = parseArgs({ args: [...own], options, allowPositionals: true, strict: false, tokens: true });
  const seen = new Set<string>();
  for (const token of parsed.tokens) {
    if (token.kind !== 'option') continue;
    const problem = findProblem(syntax, token, seen.has(token.name));
    if (problem !== undefined) throw new UsageError(`drover ${syntax.name}: ${problem}`);
    seen.add(token.name);
  }
  return parsed;
}

/** An option as it was given. */
interface GivenOption {
  readonly name: string;
  /** As typed, with its dashes. */
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** What is wrong with an option, one line; undefined where nothing is. */
function findProblem(syntax: CommandSyntax, given: GivenOption, again: boolean): string | undefined {
  const { name, rawName, value, inlineValue } = given;
  const spec = Object.hasOwn(syntax.options, name) ? syntax.options[name] : undefined;
  if (!spec) return explainUnknown(syntax, given);
  if (spec.type === 'boolean') return value === undefined ? undefined : `${rawName} takes no value`;
  const { choices, multiple, insteadOfTwice, mayBeginWithDash } = spec;
  if (value === undefined || (value === '--' && !inlineValue))
    return `${rawName} needs a value, and none follows`;
  if (value.trim() === '') return `the value of ${rawName} is empty: give one, or leave ${rawName} out`;
  if (!inlineValue && value.startsWith('-') && value !== '-' && !mayBeginWithDash)
    return `${rawName} needs a value, and ${value} looks like an option: --${name}=${value} if it is none`;
  if (choices && !choices.includes(value))
    return `${rawName} takes ${choices.join(', ')}, not ${JSON.stringify(value)}`;
  if (!again || multiple) return undefined;
  return `${rawName} was given twice: ${insteadOfTwice ?? 'give it once'}`;
}

function explainUnknown({ options }: CommandSyntax, { name, rawName }: GivenOption): string {
  const isLong = rawName.startsWith('--');
  const words = Object.keys(options);
  const nearest = isLong
    ? (nearestWord(name, words) ?? words.find((long) => name.startsWith(`${long}-`)))
    : undefined;
  return `there is no option ${rawName}${nearest === undefined ? '' : `: did you mean --${nearest}?`}`;
}

/** Index in `argv` of `--`, or of the first word where options end there; its length where neither is. */
function endOfOptions(syntax: CommandSyntax, argv: readonly string[]): number {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') return i;
    if (!word.startsWith('-') || word === '-') {
      if (syntax.stopAtFirstWord) return i;
    } else if (takesNextWord(syntax, word)) i++;
  }
  return argv.length;
}

function takesNextWord(syntax: CommandSyntax, word: string): boolean {
  return optionAwaitingValue(syntax, word) !== undefined;
}

/** Name of the option in `word` that takes the next word for its value; undefined where none does. For completing. */
export function optionAwaitingValue(syntax: CommandSyntax, word: string): string | undefined {
  if (word.startsWith('--')) {
    const name = word.slice(2);
    return !word.includes('=') && syntax.options[name]?.type === 'string' ? name : undefined;
  }
  const letters = word.startsWith('-') ? [...word.slice(1)] : [];
  const names = letters.map((letter) => optionByShort(syntax, letter));
  const first = names.findIndex((name) => name !== undefined && syntax.options[name]?.type === 'string');
  return first === letters.length - 1 ? names[first] : undefined;
}

/** Names of the options that `word` gives: a long one, or each letter of a short one. */
export function optionsIn(syntax: CommandSyntax, word: string): string[] {
  if (word.startsWith('--')) return [word.slice(2).replace(/=.*/s, '')];
  return [...word.slice(1)].flatMap((letter) => optionByShort(syntax, letter) ?? []);
}

function optionByShort(syntax: CommandSyntax, letter: string): string | undefined {
  return Object.keys(syntax.options).find((name) => syntax.options[name]?.short === letter);
}

/** The help of a command: usage, options, details and examples, at most `width` columns wide. */
export function renderHelp(syntax: CommandSyntax, width = 80): string {
  const lines = [
    `usage: drover ${syntax.name} ${syntax.usage}`.trimEnd(),
    '',
    ...wrap(`${capitalize(syntax.summary)}.`, width),
  ];
  for (const paragraph of syntax.details ?? []) lines.push('', ...wrap(paragraph, width));
  lines.push(...renderOptions(syntax.options, width));
  if (syntax.examples.length > 0) lines.push('', 'Examples:', ...syntax.examples.map((e) => `  ${e}`));
  return `${lines.join('\n')}\n`;
}

/** Options under their headings, in the order of the first of each; those without one are "Options", or "Others" beside groups. */
function renderOptions(options: OptionSpecs, width: number): string[] {
  const rows = Object.entries(options).map(([name, option]) => ({
    group: option.group,
    row: [optionLabel(name, option), option.help] as const,
  }));
  const groups = Map.groupBy(rows, ({ group }) => group);
  const left = labelColumns(rows.map(({ row }) => row));
  return [...groups].flatMap(([group, those]) => {
    const heading = group ?? (groups.size > 1 ? 'Others' : 'Options');
    return [
      '',
      `${heading}:`,
      ...renderRows(
        those.map(({ row }) => row),
        width,
        left,
      ),
    ];
  });
}

type LabelledRow = readonly [string, string];

/** Columns of the first of two columns: as wide as its content, up to a point. */
function labelColumns(rows: readonly LabelledRow[]): number {
  return Math.min(Math.max(0, ...rows.map(([label]) => label.length)), 26) + 4;
}

/** Two columns, the second wrapped beside the first, or below it where the width is too narrow. */
export function renderRows(rows: readonly LabelledRow[], width = 80, left = labelColumns(rows)): string[] {
  const narrow = width - left < 24;
  return rows.flatMap(([label, text]) => {
    if (narrow) return [`  ${label}`, ...wrap(text, width - 6).map((line) => `      ${line}`)];
    const wrapped = wrap(text, width - left);
    const head = `  ${label}`.padEnd(left);
    const [first = '', ...more] = wrapped;
    const top =
      head.length > left || !head.endsWith(' ') ? [head, `${' '.repeat(left)}${first}`] : [`${head}${first}`];
    return [...top, ...more.map((line) => `${' '.repeat(left)}${line}`)];
  });
}

/** `-w, --nodes SET`, with room for the letter where there is none, so that labels below each other align. */
export function optionLabel(name: string, { short, value, type }: OptionSpec): string {
  const shown = type === 'string' ? ` ${value ?? 'VALUE'}` : '';
  return short === undefined ? `    --${name}${shown}` : `-${short}, --${name}${shown}`;
}

/** `text` in lines of at most `width` columns, broken between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
