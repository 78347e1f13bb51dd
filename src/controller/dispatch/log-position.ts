/**
 * Where a reader of a log is, so that what comes next joins on without gap or repeat, also over another session. Pure but for
 * the position itself.
 */
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import type { LogRequest } from './dispatch.ts';

/** Where to begin, in the words of OpenLog. */
export interface LogStart {
  readonly attempt: number;
  readonly stdoutOffset: bigint;
  readonly stderrOffset: bigint;
  readonly tailLines: number;
}

/** A reader's place in both outputs of one attempt. */
export class LogPosition {
  #attempt: number;
  readonly #offsets: Map<LogSource, bigint>;
  /** Sources of which the first offset is known. */
  readonly #known: Set<LogSource>;
  #tailLines: number;

  constructor({ attempt, stdoutOffset, stderrOffset, tailLines }: LogRequest) {
    this.#attempt = attempt;
    this.#offsets = new Map([
      [LogSource.STDOUT, stdoutOffset],
      [LogSource.STDERR, stderrOffset],
    ]);
    this.#known = tailLines === 0 ? new Set(this.#offsets.keys()) : new Set();
    this.#tailLines = tailLines;
  }

  /**
   * Where to go on. After the first chunk a tail is an offset; the other output, if nothing of it came before the link was
   * cut, then goes on from its offset and may show more lines than the tail asked for, but none twice.
   */
  next(): LogStart {
    return {
      attempt: this.#attempt,
      stdoutOffset: this.#offsets.get(LogSource.STDOUT) ?? 0n,
      stderrOffset: this.#offsets.get(LogSource.STDERR) ?? 0n,
      tailLines: this.#tailLines,
    };
  }

  /** Moves past `chunk`; or says why it does not join on, and stays. */
  advance({ attempt, source, offset, data, goneBytes }: LogChunk): string | undefined {
    if (this.#attempt !== 0 && attempt !== this.#attempt) {
      return `output of attempt ${attempt} instead of ${this.#attempt}`;
    }
    const due = this.#offsets.get(source) ?? 0n;
    const joins = this.#known.has(source) ? offset - goneBytes === due : offset >= due;
    if (!joins) return `output from byte ${offset} where byte ${due} was due`;
    this.#attempt = attempt;
    this.#tailLines = 0;
    this.#known.add(source);
    this.#offsets.set(source, offset + BigInt(data.length));
    return undefined;
  }
}
