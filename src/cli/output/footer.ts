/**
 * The summary of a fan-out: how many ended how, and on which nodes it was not success. Every task is in it exactly once.
 */
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { describeEnd, describeOutcome, type Ending, endingOf, endings } from '#core/outcome.ts';
import { Cause, LeftoverPolicy, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { oneLine } from './strip-control.ts';

/**
 * How a task is counted: "timed out" where its time limit ended it, even if in order; "stopped" where it failed because an
 * operator said so; else its ending; "unreachable" where it was given up, "active" where it has not ended.
 */
type Standing = Ending | 'timedOut' | 'stopped' | 'active';

const words: Readonly<Record<Standing, string>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  timedOut: 'timed out',
  stopped: 'stopped by operator',
  not_started: 'not started',
  skipped: 'skipped',
  unreachable: 'unreachable',
  unknown: 'unknown',
  active: 'not ended',
};

const order: readonly Standing[] = [
  ...endings.flatMap((ending) =>
    ending === 'failed' ? [ending, 'timedOut' as const, 'stopped' as const] : [ending],
  ),
  'active',
];

/** Counts that also say with which outcomes. */
const withOutcome: ReadonlySet<Standing> = new Set(['failed', 'timedOut', 'stopped']);

/** Distinct outcomes that one count names: more would hide the number. */
const reasonsMax = 3;
/** Distinct outcomes of one kind that get a line each: more are one line together. */
const reasonLinesMax = 10;

/**
 * The first line counts, as "197 succeeded · 2 failed (exit 1) · 1 unreachable"; each further line names the nodes of one
 * outcome other than success; the last ones tell what outlived its leader, and what SIGKILL has not ended.
 *
 * @param unreachable ids of tasks that have not ended and whose nodes are away.
 */
export function renderFooter(tasks: readonly Task[], unreachable: ReadonlySet<string> = new Set()): string[] {
  const byStanding = Map.groupBy(tasks, (task) => standingOf(task, unreachable));
  const present = order.filter((standing) => byStanding.has(standing));
  const counts = present.map((standing) => countOf(standing, byStanding.get(standing) ?? []));
  const lines = present
    .filter((standing) => standing !== 'succeeded')
    .flatMap((standing) => nodesOf(standing, byStanding.get(standing) ?? []));
  return [counts.join(' · ') || 'no task', ...lines, ...leftoversOf(tasks), ...survivorsOf(tasks)];
}

function standingOf(task: Task, unreachable: ReadonlySet<string>): Standing {
  if (task.outcome) {
    if (task.cause === Cause.TIMEOUT) return 'timedOut';
    const ending = endingOf(task.outcome);
    return ending === 'failed' && task.cause === Cause.OPERATOR ? 'stopped' : ending;
  }
  return unreachable.has(task.id) ? 'unreachable' : 'active';
}

function countOf(standing: Standing, tasks: readonly Task[]): string {
  const count = `${tasks.length} ${words[standing]}`;
  if (!withOutcome.has(standing)) return count;
  const ways = [...new Set(tasks.map((task) => endOf(task, standing)))];
  return ways.length <= reasonsMax ? `${count} (${ways.join(', ')})` : count;
}

/** How it ended, one line; without the cause where its count says that. */
function endOf({ outcome, cause }: Task, standing?: Standing): string {
  if (!outcome) return '';
  return oneLine(standing === 'timedOut' ? describeOutcome(outcome) : describeEnd(outcome, cause));
}

function nodesOf(standing: Standing, tasks: readonly Task[]): string[] {
  const byReason = Map.groupBy(tasks, reasonOf);
  if (byReason.size > reasonLinesMax) {
    return [`${words[standing]}, in ${byReason.size} ways: ${foldNodeNames(tasks.map((task) => task.node))}`];
  }
  return [...byReason].map(([reason, those]) => {
    const nodes = foldNodeNames(those.map((task) => task.node));
    return `${reason || words[standing]}: ${nodes}`;
  });
}

/** A line for each task of which something outlived the leader; one for all where those are many. */
function leftoversOf(tasks: readonly Task[]): string[] {
  const left = tasks
    .filter((task) => task.outcome)
    .map((task) => ({
      node: task.node,
      kept: task.spec?.leftovers === LeftoverPolicy.KEEP,
      leftovers: task.attempts.flatMap((attempt) => attempt.leftovers),
    }))
    .filter(({ leftovers }) => leftovers.length > 0);
  if (left.length > reasonLinesMax) {
    return [...Map.groupBy(left, ({ kept }) => kept)].map(([kept, those]) => {
      const count = those.reduce((sum, { leftovers }) => sum + leftovers.length, 0);
      const nodes = foldNodeNames(those.map(({ node }) => node));
      return `${nodes}: ${count} processes outlived their leaders and ${kept ? 'go on' : 'were stopped'}`;
    });
  }
  return left.map(({ node, kept, leftovers }) => {
    const names = leftovers.map(({ pid, command }) => `${oneLine(command)} (${pid})`).join(', ');
    const what =
      leftovers.length === 1
        ? `1 process outlived its leader and ${kept ? 'goes on' : 'was stopped'}`
        : `${leftovers.length} processes outlived their leader and ${kept ? 'go on' : 'were stopped'}`;
    return `${node}: ${what}: ${names}`;
  });
}

/** A line for each task of which something is there in spite of SIGKILL, as many as a person reads. */
function survivorsOf(tasks: readonly Task[]): string[] {
  const surviving = tasks.filter((task) => (task.attempts.at(-1)?.survivors.length ?? 0) > 0);
  const lines = surviving.map((task) => `${task.node}: ${oneLine(task.reason)}`);
  if (lines.length <= reasonLinesMax) return lines;
  const nodes = foldNodeNames(surviving.map(({ node }) => node));
  return [`${nodes}: processes are there that SIGKILL has not ended: drover ps -o wide names them`];
}

/** How it ended, and why it was not started again where it could have been; empty where it has not ended. */
function reasonOf(task: Task): string {
  const end = endOf(task);
  const why = task.outcome ? oneLine(task.reason) : '';
  return end.includes(why) ? end : `${end}; ${why}`;
}
