/** A page of names and values. */
import type { Output } from '#cli/output/output.ts';
import { oneLine } from '#cli/output/strip-control.ts';

/** One name and value; an empty value is not shown. */
export type Field = readonly [string, string];

/** Width of the names. */
const nameColumns = 24;

/** Prints them, a line each. */
export function printFields(out: Output, fields: readonly Field[]): void {
  for (const [name, value] of fields) {
    if (value !== '') out.outLine(`${`${name}:`.padEnd(nameColumns)}${oneLine(value)}`);
  }
}
