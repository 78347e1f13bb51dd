/**
 * What may stand where somebody pressed Tab, out of the command table. Pure: names of nodes and tasks are looked up by
 * complete-values.ts, files by the shell. The completion of every shell is this.
 */
import { type CommandSyntax, type OptionSpec, optionAwaitingValue, optionsIn } from '#base/command-line.ts';
import type { Command } from '#cli/command.ts';
import { parseNodePath } from '#cli/files/node-path.ts';
import { findCommand, listCommands, programs } from '#cli/find-command.ts';
import { type Meaning, meaningOf, meaningOfWord, wordChoices } from '#cli/placeholders.ts';
import { signalName } from '#core/signals.ts';

/** One thing that may stand there: the whole word, and what it is. */
export interface Candidate {
  readonly text: string;
  readonly help: string;
}

/** Something that only the cluster knows. */
export interface ValueQuery {
  readonly of: Exclude<Meaning, 'signal' | 'file' | 'directory' | 'program' | 'help topic'>;
  /** What stands in front of it in the word, and stays: `--nodes=`, `web1,`. */
  readonly before: string;
  /** What it begins with. */
  readonly stem: string;
  /** The command that it is for. */
  readonly command: string;
  /** Directory of the cluster, where the line names one. */
  readonly dataDirectory: string | undefined;
}

/** What to offer. */
export type Completion =
  | { readonly kind: 'candidates'; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'values'; readonly query: ValueQuery }
  /** What the shell knows itself. */
  | { readonly kind: 'files' | 'directories' | 'programs' };

const nothing: Completion = { kind: 'candidates', candidates: [] };

/** Where in a command's words the cursor is. */
interface Position {
  /** The words before the cursor, without the command's name. */
  readonly before: readonly string[];
  /** Options may still stand here. */
  readonly options: boolean;
  /** Words of the command before this one, its options and their values not counted. */
  readonly words: number;
  /** The option whose value this is. */
  readonly awaiting: string | undefined;
  /** Options that were given. */
  readonly given: ReadonlySet<string>;
  readonly dataDirectory: string | undefined;
}

/** @param words what follows `drover`, without quotes; the last one is where the cursor is, and may be empty. */
export function planCompletion(commands: readonly Command[], words: readonly string[]): Completion {
  const [first = ''] = words;
  if (first === '--data' && words.length === 2) return { kind: 'directories' };
  const leading = first === '--data' ? words[1] : undefined;
  const own = first === '--data' ? words.slice(2) : words;
  const before = own.slice(0, -1);
  const current = own.at(-1) ?? '';
  const found = findCommand(commands, before);
  if (found) {
    const { syntax } = found.command;
    const position = locate(syntax, before.slice(found.length), leading);
    return planInCommand(commands, syntax, position, current);
  }
  if (programs.some(({ name }) => name === before[0])) return { kind: 'files' };
  if (before.length === 0 && current.startsWith('-')) return offer(current, leadingOptions);
  return offer(current, nextWords(listCommands(commands), before));
}

const leadingOptions: readonly Candidate[] = [
  { text: '--data', help: 'directory of the cluster' },
  { text: '--help', help: 'list the commands' },
  { text: '--version', help: 'show the version' },
];

/** The next words of names of several words that begin with `before`. */
function nextWords(
  names: readonly { readonly name: string; readonly summary: string }[],
  before: readonly string[],
): Candidate[] {
  const start = before.map((word) => `${word} `).join('');
  const words = new Map<string, string>();
  for (const { name, summary } of names) {
    if (!name.startsWith(start)) continue;
    const [text = '', ...more] = name.slice(start.length).split(' ');
    if (!words.has(text)) words.set(text, more.length > 0 ? `${text} …` : summary);
  }
  return [...words].map(([text, help]) => ({ text, help }));
}

function planInCommand(
  commands: readonly Command[],
  syntax: CommandSyntax,
  { before, awaiting, options, words, given, dataDirectory }: Position,
  current: string,
): Completion {
  const within = { command: syntax.name, dataDirectory };
  if (awaiting !== undefined) return planValue(syntax.options[awaiting], '', current, within);
  if (options && current.startsWith('-')) {
    const [, name = '', stem = ''] = /^--([^=]*)=(.*)$/s.exec(current) ?? [];
    if (name !== '') return planValue(syntax.options[name], `--${name}=`, stem, within);
    return offer(current, optionCandidates(syntax, given));
  }
  const choices = words === 0 ? wordChoices(syntax) : [];
  if (choices.length > 0) return offer(current, choices.map(plain));
  const meaning = meaningOfWord(syntax, words);
  if (meaning === 'help topic') {
    const topics = [...listCommands(commands), { name: 'exit-codes', summary: 'what each exit code means' }];
    const topic = before.filter((word) => !word.startsWith('-'));
    return offer(current, nextWords(topics, topic));
  }
  if (meaning === 'program') return { kind: words === 0 || isFirstOfArgv(before) ? 'programs' : 'files' };
  if (meaning !== undefined) return planMeaning(meaning, '', current, within);
  return options && current === '' ? offer('', optionCandidates(syntax, given)) : nothing;
}

/** The command to run begins right behind `--`. */
function isFirstOfArgv(before: readonly string[]): boolean {
  return before.at(-1) === '--' && before.indexOf('--') === before.length - 1;
}

/** @param leading directory of the cluster as it was given before the command */
function locate(syntax: CommandSyntax, before: readonly string[], leading: string | undefined): Position {
  const given = new Set<string>();
  let dataDirectory = leading;
  let options = true;
  let words = 0;
  for (let i = 0; i < before.length; i++) {
    const word = before[i] ?? '';
    if (options && word === '--') options = false;
    else if (!options || word === '-' || !word.startsWith('-')) {
      words += 1;
      if (syntax.stopAtFirstWord) options = false;
    } else {
      for (const name of optionsIn(syntax, word)) given.add(name);
      dataDirectory = /^--data=(.+)$/s.exec(word)?.[1] ?? dataDirectory;
      const awaiting = optionAwaitingValue(syntax, word);
      if (awaiting === undefined) continue;
      i += 1;
      if (i === before.length) return { before, options, words, awaiting, given, dataDirectory };
      if (awaiting === 'data') dataDirectory = before[i];
    }
  }
  return { before, options, words, awaiting: undefined, given, dataDirectory };
}

function optionCandidates({ options }: CommandSyntax, given: ReadonlySet<string>): Candidate[] {
  return Object.entries(options)
    .filter(([name, { multiple }]) => multiple || !given.has(name))
    .map(([name, { help }]) => ({ text: `--${name}`, help }));
}

type Within = Pick<ValueQuery, 'command' | 'dataDirectory'>;

function planValue(spec: OptionSpec | undefined, before: string, stem: string, within: Within): Completion {
  if (spec?.choices) {
    return offer(
      before + stem,
      spec.choices.map((choice) => plain(before + choice)),
    );
  }
  const meaning = meaningOf(spec?.value);
  return meaning === undefined ? nothing : planMeaning(meaning, before, stem, within);
}

function planMeaning(meaning: Meaning, before: string, stem: string, within: Within): Completion {
  switch (meaning) {
    case 'file':
      return { kind: 'files' };
    case 'directory':
      return { kind: 'directories' };
    case 'program':
      return { kind: 'programs' };
    case 'signal':
      return offer(
        before + stem,
        signals.map((name) => plain(before + name)),
      );
    case 'help topic':
      return nothing;
    case 'place':
      return planPlace(before, stem, within);
    case 'node set':
      return value(meaning, before, stem, startOfTerm(stem, /[,!&^]/, '[]'), within);
    case 'label selector':
      return value(meaning, before, stem, startOfTerm(stem, /[,!]/, '()'), within);
    default:
      return value(meaning, before, stem, 0, within);
  }
}

/** Behind NODES: what is on the node; before it a path here, where the command takes one, or nodes. */
function planPlace(before: string, stem: string, within: Within): Completion {
  const place = parseNodePath(stem);
  if (place)
    return value('place', before, stem, stem.length - (place.path.split('/').at(-1) ?? '').length, within);
  return within.command === 'cp' ? { kind: 'files' } : planMeaning('node set', before, stem, within);
}

/** The signals that have names of their own. */
const signals: readonly string[] = Array.from({ length: 31 }, (_, i) =>
  signalName(i + 1).slice('SIG'.length),
);

function value(
  of: ValueQuery['of'],
  before: string,
  text: string,
  start: number,
  within: Within,
): Completion {
  const query = { of, before: before + text.slice(0, start), stem: text.slice(start), ...within };
  return { kind: 'values', query };
}

/** Where in an expression its last term begins: behind the last operator that stands in no bracket. */
function startOfTerm(text: string, operator: RegExp, [open = '', close = '']: string): number {
  let start = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === open) depth += 1;
    else if (character === close) depth -= 1;
    else if (depth === 0 && operator.test(character)) start = i + 1;
  }
  return start;
}

function plain(text: string): Candidate {
  return { text, help: '' };
}

function offer(current: string, candidates: readonly Candidate[]): Completion {
  return { kind: 'candidates', candidates: candidates.filter(({ text }) => text.startsWith(current)) };
}
