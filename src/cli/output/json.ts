/**
 * Messages as JSON for programs: the canonical form, with every field written out, so that a reader need not know what is
 * left out where it is zero, false or empty.
 */
import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import type { Output } from './output.ts';

/** Prints one message over several lines. */
export function printJson<Desc extends DescMessage>(
  out: Output,
  schema: Desc,
  message: MessageShape<Desc>,
): void {
  out.outLine(JSON.stringify(wholeJson(schema, message), null, 2));
}

/** Prints one message on a line. */
export function printJsonLine<Desc extends DescMessage>(
  out: Output,
  schema: Desc,
  message: MessageShape<Desc>,
): void {
  out.outLine(JSON.stringify(wholeJson(schema, message)));
}

function wholeJson<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>) {
  return toJson(schema, message, { alwaysEmitImplicit: true });
}
