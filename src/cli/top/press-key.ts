/** What a key does in `drover top`: to what is shown, and what is to be done about it. Pure. */
import { canonicalSignal } from '#core/signals.ts';
import { SignalScope, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { SortKey } from './top-rows.ts';
import { selectedRow, type TopMode, type TopState, visibleRows } from './top-state.ts';

/** What the world is asked to do. */
export type TopOrder =
  | { readonly kind: 'leave'; readonly interrupted: boolean }
  /** Ask now instead of when it is due. */
  | { readonly kind: 'refresh' }
  | { readonly kind: 'signal'; readonly task: Task; readonly signal: string; readonly scope: SignalScope }
  | { readonly kind: 'stop'; readonly task: Task }
  | { readonly kind: 'readLog'; readonly task: Task };

/** After a key. */
export interface Pressed {
  readonly state: TopState;
  readonly order?: TopOrder;
}

/** Keys that sort. */
export const sortsByKey: Readonly<Record<string, SortKey>> = {
  c: 'cpu',
  m: 'memory',
  p: 'processes',
  t: 'time',
  n: 'node',
  o: 'output',
};

const list: TopMode = { kind: 'list' };

const scopes: Readonly<Record<string, SignalScope>> = {
  leader: SignalScope.LEADER,
  group: SignalScope.GROUP,
  tree: SignalScope.TREE,
};

/** Signal where nothing is typed: as drover kill. */
export const signalDefault = 'INT';

/** Longest text that a prompt takes. */
const typedMax = 200;

/**
 * @param page rows that fit on the screen.
 */
export function pressKey(before: TopState, key: string, page: number): Pressed {
  const state = { ...before, notice: '' };
  if (key === 'ctrl-c') return { state, order: { kind: 'leave', interrupted: true } };
  switch (state.mode.kind) {
    case 'list':
      return pressInList(state, key, page);
    case 'filter':
      return pressInFilter(state, state.mode.before, key);
    case 'signal':
      return pressInSignal(state, state.mode, key);
    case 'stop':
      return pressInStop(state, state.mode.task, key);
    case 'help':
      return { state: ['?', 'q', 'escape', 'enter'].includes(key) ? { ...state, mode: list } : state };
    case 'log':
      return { state: ['l', 'q', 'escape', 'enter'].includes(key) ? { ...state, mode: list } : state };
  }
}

function pressInList(state: TopState, key: string, page: number): Pressed {
  const sort = Object.hasOwn(sortsByKey, key) ? sortsByKey[key] : undefined;
  if (sort) return { state: { ...state, sort, reversed: false } };
  switch (key) {
    case 'q':
      return { state, order: { kind: 'leave', interrupted: false } };
    case 'r':
      return { state: { ...state, reversed: !state.reversed } };
    case ' ':
      return {
        state: { ...state, paused: !state.paused },
        ...(state.paused ? { order: { kind: 'refresh' } } : {}),
      };
    case 'ctrl-l':
      return { state, order: { kind: 'refresh' } };
    case '?':
    case 'h':
      return { state: { ...state, mode: { kind: 'help' } } };
    case '/':
      return { state: { ...state, mode: { kind: 'filter', before: state.filter } } };
    case 'escape':
      return { state: { ...state, selected: undefined, filter: '' } };
    case 'k':
    case 's':
    case 'l':
      return pressForTask(state, key);
    default:
      return { state: moveSelection(state, key, page) };
  }
}

function pressForTask(state: TopState, key: 'k' | 's' | 'l'): Pressed {
  const task = selectedRow(state)?.task;
  if (!task) return { state: { ...state, notice: 'select a task first, with the arrow keys' } };
  switch (key) {
    case 'k':
      return { state: { ...state, mode: { kind: 'signal', task, typed: '' } } };
    case 's':
      return { state: { ...state, mode: { kind: 'stop', task } } };
    case 'l':
      return {
        state: { ...state, mode: { kind: 'log', task, lines: undefined } },
        order: { kind: 'readLog', task },
      };
  }
}

/** The first key selects the first row, or the last one. */
function moveSelection(state: TopState, key: string, page: number): TopState {
  const steps: Readonly<Record<string, number>> = {
    up: -1,
    down: 1,
    'page-up': -page,
    'page-down': page,
    home: Number.NEGATIVE_INFINITY,
    end: Number.POSITIVE_INFINITY,
  };
  const step = steps[key];
  const rows = visibleRows(state);
  if (step === undefined || rows.length === 0) return state;
  const at = rows.findIndex(({ task }) => task.id === state.selected);
  const from = at === -1 ? (step > 0 ? -1 : rows.length) : at;
  const to = Math.min(Math.max(from + step, 0), rows.length - 1);
  return { ...state, selected: rows[to]?.task.id };
}

/** The list follows what is typed. */
function pressInFilter(state: TopState, before: string, key: string): Pressed {
  if (key === 'enter') return { state: { ...state, mode: list } };
  if (key === 'escape') return { state: { ...state, filter: before, mode: list } };
  return { state: { ...state, filter: editText(state.filter, key) } };
}

function pressInSignal(state: TopState, mode: Extract<TopMode, { kind: 'signal' }>, key: string): Pressed {
  const { task, typed } = mode;
  if (key === 'escape') return { state: { ...state, mode: list } };
  if (key !== 'enter') return { state: { ...state, mode: { ...mode, typed: editText(typed, key) } } };
  const [name = signalDefault, scopeWord = 'leader', ...more] = typed
    .split(/\s+/)
    .filter((word) => word !== '');
  const signal = canonicalSignal(name);
  const scope = Object.hasOwn(scopes, scopeWord) ? scopes[scopeWord] : undefined;
  if (signal === undefined) return { state: { ...state, notice: `there is no signal ${name}` } };
  if (scope === undefined || more.length > 0) {
    return { state: { ...state, notice: 'after the signal only leader, group or tree' } };
  }
  return { state: { ...state, mode: list }, order: { kind: 'signal', task, signal, scope } };
}

function pressInStop(state: TopState, task: Task, key: string): Pressed {
  if (key === 'y') return { state: { ...state, mode: list }, order: { kind: 'stop', task } };
  return { state: key === 'n' || key === 'escape' || key === 'q' ? { ...state, mode: list } : state };
}

function editText(text: string, key: string): string {
  if (key === 'backspace') return [...text].slice(0, -1).join('');
  if (key === 'ctrl-u') return '';
  return [...key].length === 1 && text.length < typedMax ? text + key : text;
}
