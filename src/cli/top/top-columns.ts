/** The columns of `drover top`, and which of them there is room for. Pure. */
import { formatShare } from '#cli/output/format-cpu.ts';
import { formatDuration } from '#cli/output/format-duration.ts';
import type { Column } from '#cli/output/table.ts';
import { describeState, showCommand } from '#cli/task-columns.ts';
import { formatSize } from '#core/format-size.ts';
import { sampledMemory } from '#core/task-usage.ts';
import { runningMs, type SortKey, type TopRow } from './top-rows.ts';

/** A column, and how soon it goes where there is no room: the highest first; 0 stays. */
export interface TopColumn extends Column<TopRow> {
  readonly yields: number;
  /** What it is sorted by, if it can be. */
  readonly sort?: SortKey;
}

/** Columns that the command keeps before others give way to it. */
const commandColumnsMin = 12;
const gap = 2;

/** All of them, as wide as they come. */
export const topColumns: readonly TopColumn[] = [
  { header: 'TASK', yields: 3, value: ({ task }) => task.id },
  { header: 'NODE', yields: 0, sort: 'node', value: ({ task }) => task.node },
  { header: 'STATE', yields: 4, value: ({ task }) => describeState(task) },
  { header: 'CPU%', yields: 0, sort: 'cpu', right: true, value: ({ share }) => shown(share, formatShare) },
  {
    header: 'MEMORY',
    yields: 1,
    sort: 'memory',
    right: true,
    value: ({ sample }) => shown(sample && sampledMemory(sample), formatSize),
  },
  {
    header: 'PROCS',
    yields: 5,
    sort: 'processes',
    right: true,
    value: ({ sample }) => shown(sample?.processes, String),
  },
  {
    header: 'TIME',
    yields: 2,
    sort: 'time',
    right: true,
    value: (row) => shown(runningMs(row), formatDuration),
  },
  {
    header: 'OUTPUT',
    yields: 6,
    sort: 'output',
    right: true,
    value: ({ sample }) => shown(sample?.outputBytes, formatSize),
  },
  { header: 'COMMAND', yields: 0, value: ({ task }) => showCommand(task.spec) },
];

/** Those that fit into `width` with something left for the command. */
export function fittingColumns(rows: readonly TopRow[], width: number): readonly TopColumn[] {
  const fixed = topColumns.slice(0, -1);
  const widths = new Map(
    fixed.map((column) => [
      column,
      Math.max(column.header.length, ...rows.map((row) => column.value(row).length)),
    ]),
  );
  const order = fixed.toSorted((a, b) => b.yields - a.yields).filter(({ yields }) => yields > 0);
  const dropped = new Set<TopColumn>();
  const taken = () =>
    fixed.reduce((sum, column) => sum + (dropped.has(column) ? 0 : (widths.get(column) ?? 0) + gap), 0);
  for (const column of order) {
    if (taken() + commandColumnsMin <= width) break;
    dropped.add(column);
  }
  return topColumns.filter((column) => !dropped.has(column));
}

function shown<T>(value: T | undefined, show: (value: T) => string): string {
  return value === undefined ? '-' : show(value);
}
