/** A run as it goes: whole lines under the names of their nodes, or the very bytes. */
import { LogPrinter } from '#cli/output/log-printer.ts';
import type { Output } from '#cli/output/output.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { RunView } from './run-view.ts';

/** @param raw bytes as they come. */
export function linesView(out: Output, raw: boolean): RunView {
  const printer = new LogPrinter(out, { prefix: ({ node }) => `${node}: `, raw });
  return {
    wantsOutput: true,
    task({ id, state }) {
      if (state === TaskState.ENDED) printer.flush(id);
    },
    log: (chunk) => printer.print(chunk),
    flush: () => printer.flush(),
    hasFooter: true,
    finish() {},
  };
}
