/** Draws `drover top`: from what is known and the size of the screen to its lines. Pure; colours are put on elsewhere. */
import { formatShare } from '#cli/output/format-cpu.ts';
import { formatDuration } from '#cli/output/format-duration.ts';
import type { ScreenSize } from '#cli/output/output.ts';
import { describeProblems } from '#cli/output/say-problems.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import { cut, renderTable } from '#cli/output/table.ts';
import { showCommand } from '#cli/task-columns.ts';
import { formatSize } from '#core/format-size.ts';
import { activeStates, stateWord } from '#core/task-state.ts';
import { sampledMemory } from '#core/task-usage.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { signalDefault } from './press-key.ts';
import { fittingColumns } from './top-columns.ts';
import { topHelp } from './top-help.ts';
import type { TopRow } from './top-rows.ts';
import { type TopState, visibleRows } from './top-state.ts';

/** A line of the screen, and what it means. */
export interface ScreenLine {
  readonly text: string;
  readonly tone: 'plain' | 'heading' | 'selected' | 'warning' | 'quiet';
}

/** Lines above and below the rows, where nothing is wrong: two of totals, the headings, the last one. */
const linesAround = 4;
/** Warnings that are shown at once: more would leave no room for rows. */
const warningsMax = 3;
/** What stands before each row: the mark of the one that is selected. */
const mark = { selected: '› ', other: '  ' } as const;

const hints =
  '? help · q quit · ↑ ↓ select · k kill · s stop · l log · / filter · space pause · c m p t n o sort';

/** Rows that fit beside what is around them. */
export function pageOf({ rows }: ScreenSize): number {
  return Math.max(rows - linesAround, 1);
}

/**
 * The lines of a frame, at most as many and as long as the screen's.
 *
 * @param nowMs on the monotonic clock.
 */
export function renderTop(state: TopState, size: ScreenSize, nowMs: number): ScreenLine[] {
  const head = [...totalsOf(state, size, nowMs), ...warningsOf(state, nowMs)];
  const foot = footOf(state, size.columns);
  const room = Math.max(size.rows - head.length - 1, 0);
  const body = bodyOf(state, { rows: room, columns: size.columns });
  const blank: ScreenLine[] = Array.from({ length: room - body.length }, () => ({ text: '', tone: 'plain' }));
  return [...head, ...body, ...blank]
    .slice(0, Math.max(size.rows - 1, 0))
    .concat(foot)
    .slice(-size.rows)
    .map(({ text, tone }) => ({ text: cut(text, size.columns), tone }));
}

function totalsOf(state: TopState, size: ScreenSize, nowMs: number): ScreenLine[] {
  const rows = [...state.rows.values()];
  const shares = rows.flatMap(({ share }) => share ?? []);
  const sampled = rows.flatMap(({ sample }) => sample ?? []);
  const left = [
    `cpu ${shares.length > 0 ? formatShare(sum(shares)) : '-'}`,
    `memory ${formatSize(sampled.reduce((total, sample) => total + sampledMemory(sample), 0n))}`,
    `${count(sum(sampled.map(({ processes }) => processes)), 'process', 'processes')}`,
  ].join(' · ');
  const right = ageOf(state, nowMs);
  const space = size.columns - left.length - right.length;
  return [
    { text: space > 0 ? `${left}${' '.repeat(space)}${right}` : `${right} · ${left}`, tone: 'plain' },
    { text: countsOf(state, rows), tone: 'plain' },
  ];
}

function ageOf({ answeredAtMs, paused }: TopState, nowMs: number): string {
  const age = `${Math.max(Math.round((nowMs - answeredAtMs) / 1000), 0)}s old`;
  return paused ? `paused, ${age}` : age;
}

function countsOf({ sort, reversed, filter, ...state }: TopState, rows: readonly TopRow[]): string {
  const byState = Map.groupBy(rows, ({ task }) => task.state);
  const states = activeStates
    .filter((one) => byState.has(one))
    .map((one) => `${byState.get(one)?.length} ${stateWord(one)}`);
  const nodes = new Set(rows.map(({ task }) => task.node)).size;
  const shown = visibleRows({ ...state, sort, reversed, filter }).length;
  return [
    rows.length === 0 ? 'no task' : `${states.join(', ')} on ${count(nodes, 'node', 'nodes')}`,
    `by ${sort}${reversed ? ', reversed' : ''}`,
    ...(filter === '' ? [] : [`${shown} of ${rows.length} have ${JSON.stringify(filter)}`]),
  ].join(' · ');
}

function warningsOf({ problems, failure, answeredAtMs }: TopState, nowMs: number): ScreenLine[] {
  const since = formatDuration(nowMs - answeredAtMs);
  const lost = failure === undefined ? [] : [`stale for ${since}, asking again: ${failure}`];
  const nodes = describeProblems(problems).map((line) => `cannot ask ${line}`);
  const all = [...lost, ...nodes];
  const more = all.length - warningsMax;
  const shown = more > 0 ? [...all.slice(0, warningsMax - 1), `and ${more + 1} more problems`] : all;
  return shown.map((text) => ({ text, tone: 'warning' }));
}

function bodyOf(state: TopState, size: ScreenSize): ScreenLine[] {
  const { mode } = state;
  if (mode.kind === 'help') return topHelp(size.columns).map((text) => ({ text, tone: 'plain' }));
  if (mode.kind === 'log') {
    const text = `the end of the output of ${describe(mode.task)}: ${oneLine(showCommand(mode.task.spec))}`;
    const heading: ScreenLine = { text: cut(text, size.columns).padEnd(size.columns), tone: 'heading' };
    const lines = mode.lines ?? ['reading …'];
    const shown = lines.slice(-Math.max(size.rows - 1, 0)).map((text) => ({ text, tone: 'plain' }) as const);
    return [heading, ...(lines.length === 0 ? [{ text: 'nothing yet', tone: 'quiet' } as const] : shown)];
  }
  return tableOf(state, size);
}

function tableOf(state: TopState, { rows: lines, columns }: ScreenSize): ScreenLine[] {
  const window = windowOf(visibleRows(state), state.selected, Math.max(lines - 1, 0));
  const width = Math.max(columns - mark.other.length, 1);
  const [heading = '', ...rest] = renderTable(fittingColumns(window, width), window, width);
  return [
    { text: `${mark.other}${heading}`.padEnd(columns), tone: 'heading' },
    ...rest.map((text, i): ScreenLine => {
      const selected = window[i]?.task.id === state.selected;
      if (!selected) return { text: `${mark.other}${text}`, tone: 'plain' };
      return { text: `${mark.selected}${text}`.padEnd(columns), tone: 'selected' };
    }),
  ];
}

/** As many rows as fit; the selected one is among them. */
function windowOf(rows: readonly TopRow[], selected: string | undefined, length: number): readonly TopRow[] {
  const at = rows.findIndex(({ task }) => task.id === selected);
  const from = Math.max(at - length + 1, 0);
  return rows.slice(from, from + length);
}

function footOf({ mode, notice, filter }: TopState, columns: number): ScreenLine {
  switch (mode.kind) {
    case 'filter':
      return promptOf('only with: ', filter, 'Enter keeps, Esc goes back', columns);
    case 'signal': {
      const question = `signal for ${describe(mode.task)} (${signalDefault}): `;
      const hint = oneLine(notice) || 'SIGNAL [leader|group|tree], Esc goes back';
      return promptOf(question, mode.typed, hint, columns);
    }
    case 'stop':
      return { text: `stop ${describe(mode.task)}? y or n`, tone: 'plain' };
    case 'help':
    case 'log':
      return { text: notice || 'Esc goes back', tone: notice ? 'plain' : 'quiet' };
    case 'list':
      return { text: notice ? oneLine(notice) : hints, tone: notice ? 'plain' : 'quiet' };
  }
}

/** What is typed is seen to its end; the question gives way to it, and the hint to both. */
function promptOf(question: string, typed: string, hint: string, columns: number): ScreenLine {
  const asked = [...`${question}${oneLine(typed)}▏`];
  const text =
    asked.length > columns ? `…${asked.slice(1 - columns).join('')}` : `${asked.join('')}  ${hint}`;
  return { text, tone: 'plain' };
}

function describe(task: Task): string {
  return `${task.id} on ${task.node}`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
