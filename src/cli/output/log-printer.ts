/** Prints what tasks print: whole lines under the names of their nodes, or the very bytes. Says what is missing. */

import { formatSize } from '#core/format-size.ts';
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { paint } from './colors.ts';
import { LinePrefixer } from './line-prefixer.ts';
import type { Output } from './output.ts';

/** How to print. */
export interface LogPrinterOptions {
  /** What stands in front of each line of a chunk's task; may be empty. */
  readonly prefix: (chunk: LogChunk) => string;
  /** Bytes as they come, without prefixes. */
  readonly raw: boolean;
}

/** Prints the output of any number of tasks. */
export class LogPrinter {
  readonly #out: Output;
  readonly #options: LogPrinterOptions;
  readonly #lines = new Map<string, { source: LogSource; taskId: string; lines: LinePrefixer }>();

  constructor(out: Output, options: LogPrinterOptions) {
    this.#out = out;
    this.#options = options;
  }

  /** Prints a chunk; resolves when the reader of our output takes more. */
  async print(chunk: LogChunk): Promise<void> {
    if (chunk.goneBytes > 0n) this.#sayGone(chunk);
    if (this.#options.raw) this.#write(chunk.source, chunk.data);
    else this.#write(chunk.source, this.#linesOf(chunk).push(chunk.data));
    await this.#out.drained();
  }

  /** Completes the last lines of a task, or of all of them. */
  flush(taskId?: string): void {
    for (const [key, { source, lines, taskId: of }] of this.#lines) {
      if (taskId !== undefined && taskId !== of) continue;
      this.#write(source, lines.end());
      this.#lines.delete(key);
    }
  }

  #linesOf(chunk: LogChunk): LinePrefixer {
    const { taskId, source } = chunk;
    const key = `${taskId} ${source}`;
    const known = this.#lines.get(key);
    if (known) return known.lines;
    const colors = source === LogSource.STDERR && this.#out.errColors;
    const decorate = colors ? (line: string) => paint('warning', line, true) : undefined;
    const lines = new LinePrefixer(this.#options.prefix(chunk), decorate);
    this.#lines.set(key, { source, taskId, lines });
    return lines;
  }

  #write(source: LogSource, text: string | Uint8Array): void {
    if (source === LogSource.STDERR) this.#out.err(text);
    else this.#out.out(text);
  }

  #sayGone({ goneBytes, node, taskId, source }: LogChunk): void {
    const what = source === LogSource.STDERR ? 'standard error' : 'standard output';
    this.#out.errLine(
      `drover: ${formatSize(goneBytes)} of ${what} of task ${taskId} on ${node} are gone here`,
    );
  }
}
