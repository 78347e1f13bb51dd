/** Prints a list in the form that was asked for: a table, a wider one, JSON, JSON lines, or names alone. */
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { printJson, printJsonLine } from './json.ts';
import type { Output } from './output.ts';
import { type Column, renderTable } from './table.ts';

/** How the messages of one kind look as a list. */
export interface ListView<List extends DescMessage, Item extends DescMessage> {
  /** The message that holds the list, as the API answers. */
  readonly list: List;
  readonly item: Item;
  readonly columns: readonly Column<MessageShape<Item>>[];
  /** Columns of the wide form; the same ones where there are no more. */
  readonly wide?: readonly Column<MessageShape<Item>>[];
  /** What other commands know it by. */
  readonly name: (item: MessageShape<Item>) => string;
  /** Said on standard error instead of an empty table. */
  readonly empty: string;
}

/** Prints `items`, which are those of `list`. JSON is the canonical form of the message. */
export function printList<List extends DescMessage, Item extends DescMessage>(
  out: Output,
  format: string | undefined,
  view: ListView<List, Item>,
  list: MessageShape<List>,
  items: readonly MessageShape<Item>[],
): void {
  switch (format) {
    case 'json':
      printJson(out, view.list, list);
      return;
    case 'jsonl':
      for (const item of items) printJsonLine(out, view.item, item);
      return;
    case 'name':
      for (const item of items) out.outLine(view.name(item));
      return;
    default: {
      if (items.length === 0) {
        out.errLine(view.empty);
        return;
      }
      const columns = format === 'wide' ? (view.wide ?? view.columns) : view.columns;
      for (const line of renderTable(columns, items, out.columns)) out.outLine(line);
    }
  }
}
