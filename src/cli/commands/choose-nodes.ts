/**
 * The nodes that a launch goes to, found before it where they are to be picked, shown or confirmed: what somebody has seen and
 * said yes to is what is launched on, also when nodes join meanwhile.
 */
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { pickNames } from '#core/node-set/pick-names.ts';
import { needsNodes, resolveTarget } from '#core/node-set/resolve-target.ts';
import type { TargetPlan } from './plan-target.ts';

/** Names of a target, never none. @throws CommandError exit code 6 for names that no node has, and where none is left. */
export async function findNames(
  context: CommandContext,
  connection: Connection,
  { target, pick }: TargetPlan,
): Promise<readonly string[]> {
  const asks = needsNodes(target);
  const universe = asks ? (await connection.nodes.listNodes({}, callOptions(context))).nodes : [];
  const { names, unknown, unknownExcluded } = resolveTarget(target, universe);
  // Where no node was looked up, every name is still to be: the controller refuses those that do not exist.
  const found = asks ? names : unknown;
  const absent = asks ? [...unknown, ...unknownExcluded] : [];
  if (absent.length > 0) throw new CommandError(exitCodes.noNode, `no such node: ${foldNodeNames(absent)}`);
  const chosen = pick === undefined ? found : pickNames(found, pick, Math.random);
  if (chosen.length === 0) throw new CommandError(exitCodes.noNode, 'no node is left of the target');
  return chosen;
}

/** `node[1-12] (12 nodes)`. */
export function describeNames(names: readonly string[]): string {
  return `${foldNodeNames(names)} (${names.length} ${names.length === 1 ? 'node' : 'nodes'})`;
}

/** An argument vector as somebody would type it. */
export function describeCommand(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ');
}

/** What somebody is asked to confirm. */
export interface Question {
  /** What would be done, as a command line. */
  readonly what: string;
  /** What it is called in the question: `launch it`. */
  readonly deed: string;
  /** What is said where the answer is not yes: `nothing was launched`. */
  readonly refusal: string;
}

/** The question before a launch. */
export function askToLaunch(what: string): Question {
  return { what, deed: 'launch it', refusal: 'nothing was launched' };
}

/**
 * Asks whether to do it on so many nodes; only a clear yes is one.
 *
 * @throws CommandError exit code 130 for Ctrl-C, 1 for anything else.
 */
export async function confirm(
  context: CommandContext,
  names: readonly string[],
  { what, deed, refusal }: Question,
): Promise<void> {
  const { terminal, out, confirmAbove } = context;
  if (!terminal || names.length <= confirmAbove) return;
  out.errLine(`${what}\non ${describeNames(names)}`);
  const key = await terminal.askKey(`drover: ${deed} on these ${names.length} nodes? [y/N] `, 'yn\r\n ');
  if (key === 'y') return;
  const code = key === 'interrupt' ? exitCodes.interrupted : exitCodes.requestFailed;
  throw new CommandError(code, refusal);
}
