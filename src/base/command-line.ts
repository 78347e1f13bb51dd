/**
 * Command lines from a table: one description of a command gives its parsing, its help, and later its completion and
 * man page, so that they cannot differ. Parsing is Node's own `parseArgs`.
 */
import { parseArgs } from 'node:util';

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
}

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
  /** Words before `--` that are no options. */
  readonly words: readonly string[];
  /** Everything after `--`; undefined where there is no `--`. */
  readonly rest: readonly string[] | undefined;
}

/** The command line is malformed. The message is one line for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads `argv` (without the command's own name) by `syntax`.
 *
 * @throws UsageError for an option that does not exist, lacks its value, has one it does not take, or is none of its choices.
 */
export function parseCommandLine<O extends OptionSpecs>(
  syntax: CommandSyntax<O>,
  argv: readonly string[],
): CommandLine<O> {
  const split = endOfOptions(syntax, argv);
  const own = argv.slice(0, split);
  const after = argv.slice(split);
  const { values, positionals } = parseOwn(syntax, own);
  for (const [name, spec] of Object.entries(syntax.options)) checkChoice(name, spec, values[name]);
  const separated = after[0] === '--';
  return {
    options: values as OptionValues<O>,
    words: separated ? positionals : [...positionals, ...after],
    rest: separated ? after.slice(1) : undefined,
  };
}

function parseOwn(syntax: CommandSyntax, own: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(syntax.options).map(([name, { type, short, multiple = false }]) => [
      name,
      short === undefined ? { type, multiple } : { type, short, multiple },
    ]),
  );
  try {
    return parseArgs({ args: [...own], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = (error as Error).message.split(/[.\n]/)[0] ?? 'malformed';
    throw new UsageError(`drover ${syntax.name}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`);
  }
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
  if (word.startsWith('--')) return !word.includes('=') && syntax.options[word.slice(2)]?.type === 'string';
  const letters = [...word.slice(1)];
  const first = letters.findIndex((letter) => optionByShort(syntax, letter)?.type === 'string');
  return first !== -1 && first === letters.length - 1;
}

function optionByShort(syntax: CommandSyntax, letter: string): OptionSpec | undefined {
  return Object.values(syntax.options).find((option) => option.short === letter);
}

function checkChoice(name: string, spec: OptionSpec, value: unknown): void {
  if (!spec.choices || value === undefined) return;
  for (const one of Array.isArray(value) ? value : [value]) {
    if (!spec.choices.includes(String(one))) {
      throw new UsageError(`--${name} takes ${spec.choices.join(', ')}, not ${JSON.stringify(one)}`);
    }
  }
}

/** The help of a command: usage, options, details and examples, at most `width` columns wide. */
export function renderHelp(syntax: CommandSyntax, width = 80): string {
  const lines = [
    `usage: drover ${syntax.name} ${syntax.usage}`.trimEnd(),
    '',
    `${capitalize(syntax.summary)}.`,
  ];
  for (const paragraph of syntax.details ?? []) lines.push('', ...wrap(paragraph, width));
  const rows = Object.entries(syntax.options).map(([name, o]) => [optionLabel(name, o), o.help] as const);
  if (rows.length > 0) lines.push('', 'Options:', ...renderRows(rows, width));
  if (syntax.examples.length > 0) lines.push('', 'Examples:', ...syntax.examples.map((e) => `  ${e}`));
  return `${lines.join('\n')}\n`;
}

/** Two columns, the second wrapped beside the first, or below it where the width is too narrow. */
export function renderRows(rows: readonly (readonly [string, string])[], width = 80): string[] {
  const left = Math.min(Math.max(0, ...rows.map(([label]) => label.length)), 26) + 4;
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

function optionLabel(name: string, { short, value, type }: OptionSpec): string {
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
