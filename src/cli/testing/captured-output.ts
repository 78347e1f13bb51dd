/** An output that tests read back: a terminal of a given width, or no terminal. */
import { Output, type Sink } from '#cli/output/output.ts';

/** What was printed so far, beside the output that prints it. */
export interface CapturedOutput {
  readonly output: Output;
  /** Everything on standard output. */
  stdout(): string;
  /** Everything on standard error. */
  stderr(): string;
}

/** Height of a terminal that it pretends to be. */
const rows = 24;

/** @param columns width of the terminal that both streams pretend to be; undefined for pipes. */
export function captureOutput(columns?: number): CapturedOutput {
  const stdout = captureSink(columns);
  const stderr = captureSink(columns);
  return {
    output: new Output(stdout.sink, stderr.sink, { noColor: true }),
    stdout: stdout.text,
    stderr: stderr.text,
  };
}

/** One terminal of that width for both streams, which lets the cursor be moved unless `noColor`. */
export function captureTerminal(columns: number, noColor = false): { out: Output; text: () => string } {
  const { sink, text } = captureSink(columns);
  return { out: new Output(sink, sink, { noColor }), text };
}

function captureSink(columns: number | undefined): { sink: Sink; text: () => string } {
  const chunks: Uint8Array[] = [];
  const terminal = columns === undefined ? {} : { isTTY: true, columns, rows };
  return {
    sink: {
      write(chunk) {
        chunks.push(Buffer.from(chunk));
        return true;
      },
      once: () => undefined,
      off: () => undefined,
      writableNeedDrain: false,
      destroyed: false,
      ...terminal,
    },
    text: () => Buffer.concat(chunks).toString(),
  };
}
