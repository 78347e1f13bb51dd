/** Everything that is known of a task, as lines of a page: the latest attempt in full, those before as a table. Pure. */

import { showTime } from '#cli/output/format-time.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import type { Column } from '#cli/output/table.ts';
import { describeState, latestAttempt, ranFor, restartsOf, timeUntil } from '#cli/task-columns.ts';
import { formatSize } from '#core/format-size.ts';
import { causeWord, describeEnd, describeOutcome } from '#core/outcome.ts';
import { stateWord } from '#core/task-state.ts';
import { usageOfAttempt } from '#core/task-usage.ts';
import { type Attempt, LeftoverPolicy, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { Field } from './print-fields.ts';
import { specFields } from './spec-fields.ts';
import { groupFields, totalColumns, usageFields } from './usage-fields.ts';

/** The lines of a task; `nowMs` is the wall clock's. */
export function taskFields(task: Task, nowMs: number): Field[] {
  const attempt = latestAttempt(task);
  const kept = task.spec?.leftovers === LeftoverPolicy.KEEP;
  return [
    ['task', task.id],
    ['run', task.runId],
    ['node', task.node],
    ['state', describeState(task)],
    ['reason', task.reason],
    ['outcome', task.outcome ? describeOutcome(task.outcome) : ''],
    ['cause', causeWord(task.cause)],
    ['next attempt', task.state === TaskState.WAITING ? nextAttempt(task, nowMs) : ''],
    ['restarts', restartsOf(task) > 0 ? String(restartsOf(task)) : ''],
    ['created', showTime(task.createdAt)],
    ['ran for', ranFor(task, nowMs)],
    ...specFields(task.spec),
    ...(attempt ? attemptFields(attempt, kept, task.reason) : []),
  ];
}

/** Columns for the attempts before the latest. */
export const attemptColumns: readonly Column<Attempt>[] = [
  { header: 'ATTEMPT', right: true, value: ({ number }) => String(number) },
  { header: 'STARTED', value: ({ startedAt }) => (startedAt ? showTime(startedAt) : '-') },
  { header: 'ENDED', value: ({ endedAt }) => (endedAt ? showTime(endedAt) : '-') },
  { header: 'CAUSE', value: ({ cause }) => causeWord(cause) || '-' },
  ...totalColumns<Attempt>(usageOfAttempt).common,
  { header: 'OUTCOME', value: ({ outcome, cause }) => (outcome ? describeEnd(outcome, cause) : '-') },
];

function nextAttempt(task: Task, nowMs: number): string {
  const { number = 0, restartAt } = latestAttempt(task) ?? {};
  return restartAt ? `${number + 1}, in ${timeUntil(restartAt, nowMs)}, at ${showTime(restartAt)}` : '';
}

function attemptFields(attempt: Attempt, kept: boolean, reasonOfTask: string): Field[] {
  const { outcome, startedAt, endedAt, stdoutBytes, stderrBytes, usage, groupUsage, logDiskFullAt } = attempt;
  const ranUnseen = startedAt !== undefined && outcome !== undefined;
  return [
    [`attempt ${attempt.number}`, stateWord(attempt.state)],
    ['  reason', attempt.reason === reasonOfTask ? '' : attempt.reason],
    ['  pid', attempt.pid > 0 ? String(attempt.pid) : ''],
    ['  binary', attempt.binary],
    ['  arguments', attempt.argv.map(quoteWord).join(' ')],
    ['  started', startedAt ? showTime(startedAt) : ''],
    ['  ended', endedAt ? showTime(endedAt) : ''],
    ['  outcome', outcome ? describeOutcome(outcome) : ''],
    ['  cause', causeWord(attempt.cause)],
    ['  output', outcome ? `${formatSize(stdoutBytes)} out, ${formatSize(stderrBytes)} err` : ''],
    ['  disk full', logDiskFullAt ? `${showTime(logDiskFullAt)}: output may be missing` : ''],
    ...indented(usage ? usageFields(usage) : [['used', ranUnseen ? 'not known' : '']]),
    ...indented(groupUsage ? groupFields(groupUsage) : []),
    [`  outlived its leader`, leftoversOf(attempt, kept)],
    [
      '  survives SIGKILL',
      attempt.survivors.map((one) => `${one.command} (${one.pid}, ${one.state})`).join(', '),
    ],
  ];
}

function leftoversOf({ leftovers }: Attempt, kept: boolean): string {
  const list = leftovers.map(({ pid, command }) => `${command} (${pid})`).join(', ');
  return list !== '' && kept ? `${list}; kept` : list;
}

function indented(fields: readonly Field[]): Field[] {
  return fields.map(([name, value]) => [value === '' ? '' : `  ${name}`, value]);
}
