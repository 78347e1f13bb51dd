/** Prints what tasks print: whole lines under the names of their nodes, or the very bytes. Says what is missing. */

import { formatSize } from '#core/format-size.ts';
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { paint, paintNode } from './colors.ts';
import { showTimeMs } from './format-time.ts';
import { LinePrefixer, type LinePrefixerOptions } from './line-prefixer.ts';
import type { Output } from './output.ts';

/** How to print. */
export interface LogPrinterOptions {
  /** What stands in front of each line of a chunk's task; may be empty. */
  readonly prefix: (chunk: LogChunk) => string;
  /** Bytes as they come, without prefixes. */
  readonly raw: boolean;
  /** Each line begins with the time by which it was written. Default false; not with `raw`. */
  readonly times?: boolean;
  /** Only lines that match. Not with `raw`. */
  readonly grep?: RegExp | undefined;
}

interface TaskLines {
  /** That is being printed. */
  attempt: number;
  readonly outputs: Map<LogSource, LinePrefixer>;
  saidLate: boolean;
}

/** Prints the output of any number of tasks. */
export class LogPrinter {
  readonly #out: Output;
  readonly #options: LogPrinterOptions;
  readonly #tasks = new Map<string, TaskLines>();

  constructor(out: Output, options: LogPrinterOptions) {
    this.#out = out;
    this.#options = options;
  }

  /** Prints a chunk; resolves when the reader of our output takes more. */
  async print(chunk: LogChunk): Promise<void> {
    const task = this.#taskOf(chunk);
    if (chunk.attempt !== task.attempt) this.#sayAttempt(chunk, task);
    if (chunk.late && !task.saidLate) this.#sayLate(chunk, task);
    if (chunk.goneBytes > 0n) this.#sayGone(chunk, task);
    if (this.#options.raw) this.#write(chunk.source, chunk.data);
    else this.#printLines(chunk, task);
    await this.#out.drained();
  }

  /** Completes the last lines of a task, or of all of them. */
  flush(taskId?: string): void {
    const tasks = taskId === undefined ? [...this.#tasks.values()] : [this.#tasks.get(taskId)];
    for (const task of tasks) {
      for (const [source, lines] of task?.outputs ?? []) this.#write(source, lines.end());
    }
  }

  #taskOf({ taskId, attempt }: LogChunk): TaskLines {
    const known = this.#tasks.get(taskId);
    if (known) return known;
    const task = { attempt, outputs: new Map(), saidLate: false };
    this.#tasks.set(taskId, task);
    return task;
  }

  #printLines(chunk: LogChunk, { outputs }: TaskLines): void {
    const { source, data, writtenAt } = chunk;
    const lines = outputs.get(source) ?? this.#newLines(chunk);
    outputs.set(source, lines);
    this.#write(source, lines.push(data, this.#options.times ? `${showTimeMs(writtenAt)} ` : ''));
  }

  #newLines(chunk: LogChunk): LinePrefixer {
    const { prefix, grep } = this.#options;
    const isError = chunk.source === LogSource.STDERR;
    const colors = isError ? this.#out.errColors : this.#out.outColors;
    const options: LinePrefixerOptions = {
      ...(colors && isError && { decorate: (line: string) => paint('warning', line, true) }),
      ...(grep && { keeps: (line: string) => grep.test(line) }),
    };
    return new LinePrefixer(paintNode(chunk.node, prefix(chunk), colors), options);
  }

  #write(source: LogSource, text: string | Uint8Array): void {
    if (source === LogSource.STDERR) this.#out.err(text);
    else this.#out.out(text);
  }

  #sayAttempt({ taskId, node, attempt }: LogChunk, task: TaskLines): void {
    this.flush(taskId);
    task.attempt = attempt;
    this.#out.errLine(`drover: attempt ${attempt} of task ${taskId} on ${node} begins here`);
  }

  #sayLate({ taskId, node }: LogChunk, task: TaskLines): void {
    task.saidLate = true;
    this.#out.errLine(
      `drover: ${node} did not answer in time: the output of task ${taskId} comes out of order`,
    );
  }

  #sayGone(chunk: LogChunk, { outputs }: TaskLines): void {
    // What was held back has no end any more.
    this.#write(chunk.source, outputs.get(chunk.source)?.end() ?? '');
    this.#out.errLine(describeGone(chunk));
  }
}

/** The line that says what is missing before a chunk. */
export function describeGone({ goneBytes, node, taskId, source }: LogChunk): string {
  const what = source === LogSource.STDERR ? 'standard error' : 'standard output';
  const size = goneBytes < 1024n ? '' : ` (${formatSize(goneBytes)})`;
  const bytes = goneBytes === 1n ? '1 byte' : `${goneBytes} bytes`;
  return `drover: ${bytes}${size} of ${what} of task ${taskId} on ${node} ${goneBytes === 1n ? 'is' : 'are'} gone here`;
}
