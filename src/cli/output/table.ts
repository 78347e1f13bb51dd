/**
 * Tables as text: columns as wide as their content, two spaces between them. Where there is a width, the last column
 * is cut to fit it, and then the line: a row is one line on every terminal. Without a width nothing is cut.
 */
import { oneLine } from './strip-control.ts';

/** One column of a table of `Row`s. */
export interface Column<Row> {
  /** Its heading, in capitals. */
  readonly header: string;
  /** Its content; control characters and line breaks are taken out. */
  readonly value: (row: Row) => string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

/** What the last column keeps before the whole line is cut instead. */
const lastColumnMin = 10;
const gap = '  ';

/** The lines of a table, headings first, no space at their ends. `width` in columns of the terminal. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width?: number,
): string[] {
  const cells = [
    columns.map((c) => c.header),
    ...rows.map((row) => columns.map((c) => oneLine(c.value(row)))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => columnsOf(line[i] ?? ''))));
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, w) => sum + w + gap.length, 0);
  const room = width === undefined ? undefined : Math.max(width - before, lastColumnMin);
  return cells.map((line) => {
    const padded = line.map((cell, i) => {
      if (i === last && !columns[i]?.right) return room === undefined ? cell : cut(cell, room);
      return pad(cell, widths[i] ?? 0, columns[i]?.right ?? false);
    });
    const text = padded.join(gap).trimEnd();
    return width === undefined ? text : cut(text, width);
  });
}

/** `text` in at most `columns` columns, the last one an ellipsis where something is missing. */
export function cut(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(columns - 1, 0)).join('')}…`;
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(width - columnsOf(text), 0));
  return right ? space + text : text + space;
}

function columnsOf(text: string): number {
  return [...text].length;
}
