/**
 * What a node allows, read from the text of its policy file. What is not enforced yet has no key here: a file that names
 * it is refused, so that nobody is protected on paper only. Reads no file.
 */
import { isMap, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import * as z from 'zod';
import type { LaunchLimits } from '#agent/process/launch-decision.ts';
import { ArgvPatternError } from '#core/argv-pattern.ts';
import { canonicalSignal, signalNumber } from '#core/signals.ts';
import { limits } from '#protocol/limits.ts';
import { type CommandRules, parseCommandRules } from './command-rules.ts';
import { type NamedCommands, parseNamedCommands } from './named-commands.ts';

/** Which files of a node may be used. */
export interface FilePolicy {
  /** Directories beneath which files may be read, absolute; or "workspace", the agent's own. */
  readonly read: readonly string[];
  /** The same for what may be written, made, moved and removed. */
  readonly write: readonly string[];
  /** Whether operators may say whom files belong to. */
  readonly owners: boolean;
  /** Whether set-uid and set-gid of copied files may be kept; otherwise they are dropped. */
  readonly setid: boolean;
}

/** A node's own rules. The controller cannot override them. */
export interface Policy {
  /** Commands that may be launched. */
  readonly commands: CommandRules;
  /** Commands that may be asked for by name, whatever `commands` says. */
  readonly namedCommands: NamedCommands;
  /** Users that tasks may run as, at least one; the first where nobody says. */
  readonly users: readonly [string, ...string[]];
  /** Signals that operators may send, such as "SIGTERM". */
  readonly signals: 'any' | readonly string[];
  /** Whether a command line may be given to a shell. */
  readonly shell: boolean;
  /** Whether tasks may have a terminal, for people to type into. */
  readonly terminals: boolean;
  /** Which files operators may use; only the workspace where nobody says. */
  readonly files: FilePolicy;
  /** Variables that operators may set; loader-variables.ts wins. */
  readonly environment: 'any' | readonly string[];
  /** Whether set-uid programs gain nothing; undefined: unless a task runs as root, or `commands` names sudo or its like. */
  readonly noNewPrivs?: boolean | undefined;
  readonly limits: LaunchLimits;
}

/** The text is no policy. The message is one line that names the line and the key. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** Without what would have to be resolved. */
const plainPath = z.string().regex(/^\/(?:(?!\.{1,2}(?:\/|$))[^/\0]+(?:\/|$))*$/);
const userName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/);
const signalName = z
  .string()
  .refine((name) => signalNumber(name) !== undefined)
  .transform((name) => canonicalSignal(name) ?? name);
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

/** One of the keys whose own reader says what is wrong. */
function readBy<T>(parse: (value: unknown) => T) {
  return z.unknown().transform((value, context): T => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof ArgvPatternError)) throw error;
      context.addIssue({ code: 'custom', params: { problem: error.message } });
      return z.NEVER;
    }
  });
}

const upTo = (max: number) => z.number().int().min(1).max(max).default(max);

const root = z.union([z.literal('workspace'), plainPath]);

const policyFile = z.strictObject({
  version: z.literal(1),
  commands: readBy(parseCommandRules),
  namedCommands: readBy(parseNamedCommands).prefault({}),
  users: z.tuple([userName], userName),
  signals: z.union([z.literal('any'), z.array(signalName)]),
  shell: z.boolean(),
  terminals: z.boolean().default(false),
  files: z
    .strictObject({
      read: z.array(root),
      write: z.array(root),
      owners: z.boolean().default(false),
      setid: z.boolean().default(false),
    })
    .default({ read: ['workspace'], write: ['workspace'], owners: false, setid: false }),
  environment: z.union([z.literal('any'), z.array(variableName)]),
  noNewPrivs: z.boolean().optional(),
  limits: z
    .strictObject({ tasks: upTo(limits.agentTasksMax), starts: upTo(limits.agentStartsMax) })
    .prefault({}),
});

/** What each key takes, in words. */
const takes: Readonly<Record<keyof z.infer<typeof policyFile>, string>> = {
  version: '1',
  commands: '"any" or a list',
  namedCommands: 'names, each with a command',
  users: 'a list of at least one user name',
  signals: '"any" or a list of names such as SIGTERM',
  shell: 'true or false',
  terminals: 'true or false',
  files:
    '"read" and "write", lists of absolute paths of directories or "workspace", and "owners" and "setid", true or false',
  environment: '"any" or a list of variable names',
  noNewPrivs: 'true or false',
  limits: `"tasks", from 1 to ${limits.agentTasksMax}, and "starts", from 1 to ${limits.agentStartsMax}`,
};

/**
 * Reads the text of a policy file.
 *
 * @throws PolicyError
 */
export function parsePolicy(text: string): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number | undefined) => lines.linePos(offset ?? 0).line;
  const [broken] = document.errors;
  if (broken) throw new PolicyError(`line ${lineAt(broken.pos[0])}: not YAML: ${broken.message}`);
  const result = policyFile.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = issue?.path[0]?.toString() ?? (issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined);
  const offset = findKey(document.contents, key);
  const problem = issue?.code === 'custom' && offset !== undefined ? issue.params?.['problem'] : undefined;
  const words = typeof problem === 'string' ? `"${key}": ${problem}` : describe(key, offset !== undefined);
  throw new PolicyError(`line ${lineAt(offset)}: ${words}`);
}

function describe(key: string | undefined, isThere: boolean): string {
  if (key === undefined) return 'the file must hold keys and values, beginning with "version: 1"';
  if (!isThere) return `the key "${key}" is missing`;
  return isKey(key) ? `"${key}" takes ${takes[key]}` : `unknown key ${JSON.stringify(key)}`;
}

function isKey(key: string): key is keyof typeof takes {
  return Object.hasOwn(takes, key);
}

/** Where a top-level key stands in the text; undefined where it does not. */
function findKey(contents: ParsedNode | null, key: string | undefined): number | undefined {
  const pairs = isMap(contents) ? contents.items : [];
  const pair = pairs.find((item) => isScalar(item.key) && String(item.key.value) === key);
  return (pair?.key as ParsedNode | undefined)?.range[0];
}
