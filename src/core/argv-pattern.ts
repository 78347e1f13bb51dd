/**
 * Patterns of argument vectors, by which roles and a node's policy say which commands are meant. Each element stands for one
 * argument, whole; there are no wildcards, no words are split, nothing is expanded. Pure: a path is compared as it is written,
 * and who may follow a symbolic link in it is for the opener to say.
 *
 *     [systemctl, restart, { oneOf: [web, db] }]
 *     [/usr/bin/head, -n, { int: [1, 1000] }, { pathBeneath: /var/log }]
 *     [tar, { regex: "-[ctx]+f" }, { rest: 8 }]
 */
import { RE2JS, RE2JSException } from 're2js';
import { quote } from './quote.ts';

/** What one argument may be. */
export type ArgumentPattern =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'one-of'; readonly texts: ReadonlySet<string> }
  /** A decimal integer within both bounds, written the shortest way: no sign but "-", no leading zero. */
  | { readonly kind: 'int'; readonly min: number; readonly max: number }
  /** An absolute path below `root`, not `root` itself; without empty, "." and ".." components. */
  | { readonly kind: 'path-beneath'; readonly root: string }
  /** All of the argument matches; "." is no newline. */
  | { readonly kind: 'regex'; readonly source: string; readonly expression: RE2JS };

/** A whole argument vector. */
export interface ArgvPattern {
  /** One for each argument; at least one. The first is the command. */
  readonly arguments: readonly [ArgumentPattern, ...ArgumentPattern[]];
  /** So many more arguments may follow, of any content; 0 where none may. */
  readonly restMax: number;
}

/** Elements of one pattern. */
const elementsMax = 64;
/** Values of one `oneOf`. */
const valuesMax = 256;
/** Characters of a regular expression. */
const regexTextMax = 256;
/** Instructions of a compiled one: times `regexArgumentMax`, a few milliseconds at the very worst. */
const regexProgramMax = 2_000;
/** Characters of an argument that a regular expression is asked about; it matches none that is longer. */
const regexArgumentMax = 1_024;
/** Most arguments that `rest` lets follow. */
const restMaxMax = 4_096;

/** A value is no pattern. The message is one line that names the element, such as `element 3: …`. */
export class ArgvPatternError extends Error {
  override readonly name = 'ArgvPatternError';
}

/**
 * Reads the pattern of an argument vector from a value as YAML or JSON have it: a list whose elements are a text (itself),
 * `{ oneOf: [TEXT, …] }`, `{ int: [MIN, MAX] }`, `{ pathBeneath: ROOT }`, `{ regex: TEXT }`, and at the end `{ rest: N }`.
 *
 * @throws ArgvPatternError
 */
export function parseArgvPattern(value: unknown): ArgvPattern {
  if (!Array.isArray(value)) throw new ArgvPatternError('not a list of arguments');
  if (value.length > elementsMax) throw new ArgvPatternError(`has more than ${elementsMax} elements`);
  const last: unknown = value.at(-1);
  const hasRest = isRecord(last) && Object.hasOwn(last, 'rest');
  const parsed = (hasRest ? value.slice(0, -1) : value).map((element: unknown, index) =>
    parseElement(element, index + 1),
  );
  const [command, ...others] = parsed;
  if (!command) throw new ArgvPatternError('has no command');
  const restMax = hasRest ? at(value.length, () => parseRest(last)) : 0;
  return { arguments: [command, ...others], restMax };
}

/**
 * Reads what one argument may be: an element as `parseArgvPattern` takes it, but for `rest`.
 *
 * @throws ArgvPatternError
 */
export function parseArgumentPattern(value: unknown): ArgumentPattern {
  if (typeof value === 'string') return { kind: 'literal', text: value };
  const entries = isRecord(value) ? Object.entries(value) : [];
  const [entry] = entries;
  if (!entry || entries.length !== 1) {
    throw new ArgvPatternError('neither a text nor one of oneOf, int, pathBeneath and regex');
  }
  const [key, operand] = entry;
  const parse = Object.hasOwn(parsers, key) ? parsers[key] : undefined;
  if (parse) return parse(operand);
  const problem = key === 'rest' ? 'rest can only be the last element of a list' : `${quote(key)} is unknown`;
  throw new ArgvPatternError(problem);
}

/** Whether an argument vector matches, from its first argument to its last. */
export function matchesArgv(pattern: ArgvPattern, argv: readonly string[]): boolean {
  const more = argv.length - pattern.arguments.length;
  if (more < 0 || more > pattern.restMax) return false;
  return pattern.arguments.every((element, index) => matchesArgument(element, argv[index] ?? ''));
}

/** Whether one argument matches. */
export function matchesArgument(pattern: ArgumentPattern, text: string): boolean {
  switch (pattern.kind) {
    case 'literal':
      return text === pattern.text;
    case 'one-of':
      return pattern.texts.has(text);
    case 'int':
      return isInteger(text) && Number(text) >= pattern.min && Number(text) <= pattern.max;
    case 'path-beneath':
      return isPath(text) && text.startsWith(pattern.root === '/' ? '/' : `${pattern.root}/`) && text !== '/';
    case 'regex':
      return text.length <= regexArgumentMax && pattern.expression.matches(text);
  }
}

const parsers: Readonly<Record<string, (operand: unknown) => ArgumentPattern>> = {
  oneOf: parseOneOf,
  int: parseIntRange,
  pathBeneath: parsePathBeneath,
  regex: parseRegex,
};

function parseElement(value: unknown, place: number): ArgumentPattern {
  return at(place, () => parseArgumentPattern(value));
}

function at<T>(place: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ArgvPatternError)) throw error;
    throw new ArgvPatternError(`element ${place}: ${error.message}`);
  }
}

function parseOneOf(operand: unknown): ArgumentPattern {
  const isTexts = Array.isArray(operand) && operand.every((text) => typeof text === 'string');
  if (!isTexts || operand.length === 0 || operand.length > valuesMax) {
    throw new ArgvPatternError(`oneOf takes a list of 1 to ${valuesMax} texts`);
  }
  return { kind: 'one-of', texts: new Set<string>(operand) };
}

function parseIntRange(operand: unknown): ArgumentPattern {
  const [min, max, ...others]: unknown[] = Array.isArray(operand) ? operand : [];
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || others.length > 0) {
    throw new ArgvPatternError('int takes two integers, [MIN, MAX]');
  }
  const range = { min: Number(min), max: Number(max) };
  if (range.min > range.max) {
    throw new ArgvPatternError(`int [${range.min}, ${range.max}] has nothing between its bounds`);
  }
  return { kind: 'int', ...range };
}

function parsePathBeneath(operand: unknown): ArgumentPattern {
  if (typeof operand !== 'string' || !(operand === '/' || isPath(operand))) {
    throw new ArgvPatternError(
      'pathBeneath takes an absolute path without "." and "..", and without a slash at its end',
    );
  }
  return { kind: 'path-beneath', root: operand };
}

function parseRegex(operand: unknown): ArgumentPattern {
  if (typeof operand !== 'string' || operand.length > regexTextMax) {
    throw new ArgvPatternError(`regex takes a text of ${regexTextMax} characters at the most`);
  }
  const expression = compile(operand);
  if (expression.programSize() > regexProgramMax) {
    throw new ArgvPatternError(`regex ${quote(operand)} repeats too much`);
  }
  return { kind: 'regex', source: operand, expression };
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new ArgvPatternError(`regex ${quote(source)}: ${error.message}`);
  }
}

function parseRest(element: Readonly<Record<string, unknown>>): number {
  const count = element['rest'];
  if (Object.keys(element).length !== 1 || !Number.isSafeInteger(count)) {
    throw new ArgvPatternError('rest takes the greatest number of arguments that may follow');
  }
  const restMax = Number(count);
  if (restMax < 1 || restMax > restMaxMax) {
    throw new ArgvPatternError(`rest takes a number from 1 to ${restMaxMax}, not ${restMax}`);
  }
  return restMax;
}

function isInteger(text: string): boolean {
  return /^(?:0|-?[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(Number(text));
}

/** Whether a text is an absolute path as it would come out of its resolution. */
function isPath(text: string): boolean {
  const [first, ...components] = text.split('/');
  return first === '' && components.every((name) => name !== '' && name !== '.' && name !== '..');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
