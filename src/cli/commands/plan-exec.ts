/** What `drover exec` was asked to do, out of its command line. Pure. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { detachKeysDefault, parseDetachKeys } from '#cli/line/detach-keys.ts';
import type { ScreenSize } from '#cli/output/output.ts';
import type { execSyntax } from '#cli/syntax/line-syntax.ts';
import { literalNodeName } from '#core/node-set/expand-node-set.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { type CreateRunRequestSchema, WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { StdinMode, type TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { planEnv } from './plan-run.ts';

/** Options of `drover exec`. */
export type ExecOptions = (typeof execSyntax)['options'];

/** A command that is vanished from is ended after so long: a laptop may sleep, and a controller restart, for less. */
const hangupAfterMs = 60_000n;

/** The caller's terminal. */
export interface OwnTerminal {
  readonly size: ScreenSize;
  /** TERM. */
  readonly name: string;
}

/** A command on one node. */
export interface ExecPlan {
  /** All of the request but its id. */
  readonly request: Omit<MessageInitShape<typeof CreateRunRequestSchema>, '$typeName' | 'id'>;
  readonly detachKeys: Uint8Array;
}

/**
 * Plans it.
 *
 * @param terminal the caller's; undefined where there is none.
 * @throws UsageError for what cannot be meant, such as a terminal where there is none.
 */
export function planExec(
  { options, words, rest }: CommandLine<ExecOptions>,
  terminal: OwnTerminal | undefined,
): ExecPlan {
  const [node, ...more] = words;
  const argv = [...(more[0] === '--' ? more.slice(1) : more), ...(rest ?? [])];
  if (node === undefined)
    throw new UsageError('drover exec: on which node? such as: drover exec -it web1 -- bash');
  if (literalNodeName(parseNodeSet(node)) === undefined) {
    throw new UsageError(
      `drover exec: ${JSON.stringify(node)} is not the name of one node: drover run takes node sets`,
    );
  }
  if (more[0] !== '--' && argv[0]?.startsWith('-')) {
    throw new UsageError(
      `drover exec: ${argv[0]} comes after the node: options come before it, and a command after --`,
    );
  }
  if (!argv[0]) throw new UsageError(`drover exec: what? such as: drover exec -it ${node} -- bash`);
  if (options.tty && !terminal) {
    throw new UsageError(
      'drover exec: -t needs a terminal, and standard input, output or error is none here: leave -t out',
    );
  }
  if (options['detach-keys'] !== undefined && !options.tty) {
    throw new UsageError('drover exec: --detach-keys leave a terminal: give -t too');
  }
  const spec = {
    argv,
    cwd: options.cwd ?? '',
    user: options.user ?? '',
    env: planEnv(options.env ?? []),
    ...planStdio(options.tty ? terminal : undefined, options.interactive ?? false),
  };
  return {
    request: { nodes: node, spec, whenUnreachable: WhenUnreachable.FAIL },
    detachKeys: parseDetachKeys(options['detach-keys'] ?? detachKeysDefault),
  };
}

function planStdio(
  terminal: OwnTerminal | undefined,
  interactive: boolean,
): MessageInitShape<typeof TaskSpecSchema> {
  if (!terminal) {
    return { pipes: { hangupAfterMs }, ...(interactive ? { stdin: StdinMode.STREAM } : {}) };
  }
  const { size, name: term } = terminal;
  return { terminal: { rows: size.rows, columns: size.columns, term, hangupAfterMs } };
}
