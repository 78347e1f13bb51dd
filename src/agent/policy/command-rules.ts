/**
 * Which commands a policy allows: binaries with any arguments, and patterns of whole argument vectors. Pure; which file a
 * command is was found out before.
 */
import { type ArgvPattern, ArgvPatternError, matchesArgv, parseArgvPattern } from '#core/argv-pattern.ts';

/** Commands of one binary. */
export interface CommandRule {
  /** Absolute. */
  readonly binary: string;
  /** What all of the vector must match; its first element is the binary as it was written. Undefined: any arguments. */
  readonly pattern: ArgvPattern | undefined;
}

/** `any` means every command. */
export type CommandRules = 'any' | readonly CommandRule[];

/** Rules of one policy. */
const rulesMax = 1_000;

/**
 * Reads the key "commands": "any", or a list of absolute paths and of patterns that begin with one.
 *
 * @throws ArgvPatternError with what the key takes, or with what is wrong with which command.
 */
export function parseCommandRules(value: unknown): CommandRules {
  if (value === 'any') return 'any';
  if (!Array.isArray(value)) {
    throw new ArgvPatternError(
      'takes "any" or a list of absolute paths of binaries and of patterns that begin with one',
    );
  }
  if (value.length > rulesMax) throw new ArgvPatternError(`takes ${rulesMax} commands at the most`);
  return value.map((each: unknown, index) => {
    try {
      return parseCommandRule(each);
    } catch (error) {
      if (!(error instanceof ArgvPatternError)) throw error;
      throw new ArgvPatternError(`command ${index + 1}: ${error.message}`);
    }
  });
}

/** The place of the rule that allows a command, from 0; undefined where none does. `argv[0]` does not matter, `binary` does. */
export function findCommandRule(
  rules: readonly CommandRule[],
  binary: string,
  argv: readonly string[],
): number | undefined {
  const place = rules.findIndex((rule) => {
    if (rule.binary !== binary) return false;
    const [first] = rule.pattern?.arguments ?? [];
    if (!rule.pattern || first?.kind !== 'literal') return true;
    return matchesArgv(rule.pattern, [first.text, ...argv.slice(1)]);
  });
  return place < 0 ? undefined : place;
}

/** A path without what would have to be resolved. */
export function isPlainPath(path: string): boolean {
  return /^\/(?:(?!\.{1,2}(?:\/|$))[^/\0]+(?:\/|$))*$/.test(path);
}

function parseCommandRule(value: unknown): CommandRule {
  if (typeof value === 'string') return { binary: checkBinary(value), pattern: undefined };
  const pattern = parseArgvPattern(value);
  const [first] = pattern.arguments;
  if (first.kind !== 'literal') throw new ArgvPatternError('element 1: takes the absolute path of a binary');
  return { binary: checkBinary(first.text), pattern };
}

function checkBinary(path: string): string {
  if (!isPlainPath(path) || path.endsWith('/')) {
    throw new ArgvPatternError(`${JSON.stringify(path)} is not the absolute path of a binary`);
  }
  return path;
}
