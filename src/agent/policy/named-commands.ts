/**
 * Commands that a policy gives a name and typed parameters, so that a node can allow `restart-service web` and nothing else:
 * reading them from the policy, and making an argument vector of a name and its parameters. Pure. All that such a command does
 * is the policy's: its user, its directory and its variables too, since a privileged command that its caller can surround is none.
 */
import * as z from 'zod';
import {
  type ArgumentPattern,
  ArgvPatternError,
  matchesArgument,
  parseArgumentPattern,
} from '#core/argv-pattern.ts';
import { quote } from '#core/quote.ts';
import { isPlainPath } from './command-rules.ts';

/** One command. */
export interface NamedCommand {
  readonly name: string;
  /** Absolute. */
  readonly binary: string;
  /** After the binary: texts, and names of parameters. */
  readonly template: readonly (string | { readonly parameter: string })[];
  /** In the order in which they are given. */
  readonly parameters: ReadonlyMap<string, ArgumentPattern>;
  /** Whom it runs as; undefined: as the policy has it of all. */
  readonly user: string | undefined;
  /** Where it runs. */
  readonly directory: string;
  /** Variables that operators may set for it. */
  readonly environment: readonly string[];
}

/** Commands by their names. */
export type NamedCommands = ReadonlyMap<string, NamedCommand>;

/** The vector, or one line on why there is none. */
export type Expansion =
  | { readonly command: NamedCommand; readonly argv: readonly [string, ...string[]] }
  | { readonly problem: string };

/** Named commands of one policy. */
const commandsMax = 1_000;
/** Values that an error or an explanation lists. */
const listedMax = 20;

const commandName = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

const commandShape = z.strictObject({
  argv: z.tuple([z.string()], z.union([z.string(), z.strictObject({ parameter: z.string() })])),
  parameters: z.record(z.string(), z.unknown()).default({}),
  user: z.string().min(1).optional(),
  directory: z.string().refine(isPlainPath).default('/'),
  environment: z.array(variableName).default([]),
});

const takes: Readonly<Record<keyof z.infer<typeof commandShape>, string>> = {
  argv: 'an absolute path, then texts and { parameter: NAME }',
  parameters: 'names, each with what it may be',
  user: 'the name of a user',
  directory: 'an absolute path',
  environment: 'a list of variable names',
};

/**
 * Reads the key "namedCommands".
 *
 * @throws ArgvPatternError with what the key takes, or with what is wrong with which command.
 */
export function parseNamedCommands(value: unknown): NamedCommands {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ArgvPatternError('takes names, each with "argv" and what else there is to say of the command');
  }
  const entries = Object.entries(value);
  if (entries.length > commandsMax) throw new ArgvPatternError(`takes ${commandsMax} commands at the most`);
  return new Map(entries.map(([name, each]) => [name, inside(name, () => parseCommand(name, each))]));
}

/** Makes the vector of a command, or says in one line what is wrong. */
export function expandCommand(commands: NamedCommands, [name = '', ...values]: readonly string[]): Expansion {
  const command = commands.get(name);
  if (!command) {
    const known = commands.size === 0 ? 'it has none' : `it has ${listed([...commands.keys()])}`;
    return { problem: `the node's policy has no command ${quote(name)}: ${known}` };
  }
  const names = [...command.parameters.keys()];
  if (values.length !== names.length) {
    const wanted = names.length === 0 ? 'no parameters' : names.join(' ');
    return { problem: `command ${name} takes ${wanted}, and was given ${values.length}` };
  }
  const given = new Map<string, string>();
  for (const [index, [parameter, pattern]] of [...command.parameters].entries()) {
    const text = values[index] ?? '';
    if (!matchesArgument(pattern, text)) {
      return {
        problem: `command ${name}: ${parameter} takes ${describePattern(pattern)}, not ${quote(text)}`,
      };
    }
    given.set(parameter, text);
  }
  const rest = command.template.map((each) =>
    typeof each === 'string' ? each : (given.get(each.parameter) ?? ''),
  );
  return { command, argv: [command.binary, ...rest] };
}

function parseCommand(name: string, value: unknown): NamedCommand {
  if (!commandName.test(name)) {
    throw new ArgvPatternError(
      'a name is up to 63 of a-z, 0-9, ".", "_" and "-", and begins with a letter or digit',
    );
  }
  const result = commandShape.safeParse(value);
  if (!result.success) throw new ArgvPatternError(describeIssue(result.error.issues[0]));
  const { argv, user, directory, environment } = result.data;
  const [binary, ...template] = argv;
  if (!isPlainPath(binary) || binary.endsWith('/')) throw new ArgvPatternError(`"argv" takes ${takes.argv}`);
  const parameters = new Map(
    Object.entries(result.data.parameters).map(([parameter, pattern]) => [
      parameter,
      inside(`parameter ${parameter}`, () => parseArgumentPattern(pattern)),
    ]),
  );
  checkParameters(template, parameters);
  return { name, binary, template, parameters, user, directory, environment };
}

function checkParameters(template: NamedCommand['template'], parameters: NamedCommand['parameters']): void {
  const used = new Set(template.flatMap((each) => (typeof each === 'string' ? [] : [each.parameter])));
  for (const parameter of used) {
    if (!parameters.has(parameter))
      throw new ArgvPatternError(`"argv" names ${quote(parameter)}, which is no parameter`);
  }
  for (const parameter of parameters.keys()) {
    if (!used.has(parameter)) throw new ArgvPatternError(`"argv" does not use parameter ${quote(parameter)}`);
  }
}

function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  const key = issue?.path[0]?.toString();
  if (key === undefined) {
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    return unknown === undefined
      ? 'takes "argv" and what else there is to say of it'
      : `unknown key ${quote(unknown)}`;
  }
  return `"${key}" takes ${takes[key as keyof typeof takes]}`;
}

/** In words. */
function describePattern(pattern: ArgumentPattern): string {
  switch (pattern.kind) {
    case 'literal':
      return quote(pattern.text);
    case 'one-of':
      return listed([...pattern.texts], 'or');
    case 'int':
      return `an integer from ${pattern.min} to ${pattern.max}`;
    case 'path-beneath':
      return `a path beneath ${pattern.root}`;
    case 'regex':
      return `what matches ${quote(pattern.source)}`;
  }
}

function listed(texts: readonly string[], last = 'and'): string {
  const more = texts.length - listedMax;
  if (more > 0) return `${texts.slice(0, listedMax).join(', ')} ${last} ${more} others`;
  return texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(', ')} ${last} ${texts.at(-1)}`;
}

function inside<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ArgvPatternError)) throw error;
    throw new ArgvPatternError(`${what}: ${error.message}`);
  }
}
