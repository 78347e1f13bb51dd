/** Our standard input for every task of a run. */
import type { Readable } from 'node:stream';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { InputWriter } from './input-writer.ts';
import { pumpInput } from './pump-input.ts';

/** Gives every task of the run `input`, until that has ended or the result is disposed of. */
export function giveInput(
  { out, clock, abort }: CommandContext,
  connection: Connection,
  runId: string,
  input: Readable,
): Disposable {
  const over = new AbortController();
  const writer = new InputWriter(connection, {
    query: { runId },
    fromHere: false,
    clock,
    abort: AbortSignal.any([abort, over.signal]),
    onRefused: ({ node, reason }) => out.errLine(`drover: no more input for ${node}: ${reason}`),
  });
  void pumpInput(input, writer);
  return {
    [Symbol.dispose]() {
      over.abort();
      input.destroy();
    },
  };
}
