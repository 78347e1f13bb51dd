/**
 * What `drover top` knows and how it is looked at. Pure: each function makes a new state.
 *
 *            / filter            Enter, Esc
 *   list ────k signal──► prompt ───────────► list      help and log go back to list by Esc, q and their own key
 *            s stop
 */

import { showCommand } from '#cli/task-columns.ts';
import { stateWord } from '#core/task-state.ts';
import type { NodeProblem, SampleTasksResponse } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { nextRows, type SortKey, sortRows, type TopRow, type TopRows } from './top-rows.ts';

/** What the keys mean now. */
export type TopMode =
  | { readonly kind: 'list' }
  | { readonly kind: 'help' }
  /** The filter is being typed; `before` is what it was. */
  | { readonly kind: 'filter'; readonly before: string }
  /** The signal for a task is being typed. */
  | { readonly kind: 'signal'; readonly task: Task; readonly typed: string }
  /** Whether to stop a task is being asked. */
  | { readonly kind: 'stop'; readonly task: Task }
  /** The end of a task's output is shown; undefined until it was read. */
  | { readonly kind: 'log'; readonly task: Task; readonly lines: readonly string[] | undefined };

/** Everything that a frame is drawn from. */
export interface TopState {
  readonly rows: TopRows;
  readonly problems: readonly NodeProblem[];
  /** When the last answer came, on the monotonic clock, milliseconds. */
  readonly answeredAtMs: number;
  /** Why the last question had no answer; undefined where it had one. */
  readonly failure: string | undefined;
  readonly sort: SortKey;
  readonly reversed: boolean;
  readonly filter: string;
  readonly paused: boolean;
  /** Id of a task. */
  readonly selected: string | undefined;
  readonly mode: TopMode;
  /** What came of the last order; goes at the next key. */
  readonly notice: string;
}

/** How it begins, with its first answer. */
export function firstState(answer: SampleTasksResponse, nowMs: number, sort: SortKey): TopState {
  const nothing = {
    rows: new Map(),
    problems: [],
    answeredAtMs: nowMs,
    failure: undefined,
    sort,
    reversed: false,
    filter: '',
    paused: false,
    selected: undefined,
    mode: { kind: 'list' },
    notice: '',
  } as const;
  return takeAnswer(nothing, answer, nowMs);
}

/** After an answer. */
export function takeAnswer(state: TopState, answer: SampleTasksResponse, nowMs: number): TopState {
  const rows = nextRows(state.rows, answer);
  const selected = state.selected !== undefined && rows.has(state.selected) ? state.selected : undefined;
  return { ...state, rows, selected, problems: answer.problems, answeredAtMs: nowMs, failure: undefined };
}

/** After a question that had no answer: what was known stays. */
export function takeFailure(state: TopState, failure: string): TopState {
  return { ...state, failure };
}

/** The rows that the filter lets through, in order. */
export function visibleRows(state: TopState): TopRow[] {
  const wanted = state.filter.toLowerCase();
  const rows = [...state.rows.values()].filter((row) => wanted === '' || textOf(row).includes(wanted));
  return sortRows(rows, state.sort, state.reversed);
}

/** The row that is selected; undefined where none is, or the filter hides it. */
export function selectedRow(state: TopState): TopRow | undefined {
  return visibleRows(state).find(({ task }) => task.id === state.selected);
}

function textOf({ task }: TopRow): string {
  return `${task.id} ${task.runId} ${task.node} ${stateWord(task.state)} ${showCommand(task.spec)}`.toLowerCase();
}
