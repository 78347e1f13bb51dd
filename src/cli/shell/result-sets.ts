/** Node sets that are named by how the last run ended there: $ok, $failed and their kin. */
import { UsageError } from '#base/command-line.ts';
import { CommandError } from '#cli/command-error.ts';
import { resultOf, type TaskResult } from '#cli/result-of-task.ts';
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { Freshness, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { operandsOf } from './selection.ts';

/** Every task of a run is in exactly one of them. */
const sets = {
  ok: 'succeeded',
  failed: 'failed or did not start',
  skipped: 'was skipped',
  unreachable: 'was unreachable, or is now, or ended nobody knows how',
  running: 'has not ended',
} as const satisfies Record<TaskResult, string>;

const names = Object.keys(sets) as TaskResult[];

/** As they are typed. */
export const resultSetNames: readonly string[] = names.map((name) => `$${name}`);

/** What is typed, and what it means. */
export const resultSetHelp: readonly (readonly [string, string])[] = [
  [resultSetNames.join(', '), 'in place of a SET or as one: the nodes where the last run ended so'],
];

/** A task on a node that is away may run, and is where nobody can say so. */
function setOf(task: Task): TaskResult {
  const result = resultOf(task);
  return result === 'running' && task.freshness !== Freshness.LIVE ? 'unreachable' : result;
}

const reference = /\$([a-z]*)/g;

/** `text`, which stands for a node set, names one of them. */
export function hasResultSet(text: string): boolean {
  return text.includes('$');
}

/**
 * A node set with the names in place of what begins with $. Pure.
 *
 * @param tasks those of the last run.
 * @throws UsageError for a set that does not exist, and for "&" before one that can only be written as a union, since node sets
 *   have no parentheses; CommandError where one is empty, so that nobody gets all nodes instead.
 */
export function writeResultSets(text: string, tasks: readonly Task[]): string {
  return text.replace(reference, (typed, name: string, at: number) => {
    if (!Object.hasOwn(sets, name)) {
      throw new UsageError(`there is no ${typed}: there are ${resultSetNames.join(', ')}`);
    }
    const set = name as TaskResult;
    const nodes = tasks.filter((task) => setOf(task) === set).map((task) => task.node);
    if (nodes.length === 0)
      throw new CommandError(exitCodes.noNode, `${typed} is empty: no node of the last run ${sets[set]}`);
    return writeOperand(typed, foldNodeNames(nodes), text.slice(0, at).trimEnd().at(-1));
  });
}

/** @param operator what stands before it. */
function writeOperand(typed: string, folded: string, operator: string | undefined): string {
  const operands = operandsOf(folded);
  if (operands.length === 1 || operator === undefined || operator === ',') return folded;
  if (operator !== '&') return operands.join(operator);
  throw new UsageError(`${typed} is more than one set, ${folded}: write it before the &`);
}
