/**
 * Where a reader of a log is, so that what comes next joins on without gap or repeat, also over another session. Pure but for
 * the position itself.
 */
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import type { LogRequest } from './dispatch.ts';

/** Where to begin, in the words of OpenLog. */
export interface LogStart {
  readonly attempt: number;
  readonly stdoutOffset: bigint;
  readonly stderrOffset: bigint;
  readonly tailLines: number;
  readonly since: Timestamp | undefined;
  readonly until: Timestamp | undefined;
  readonly times: boolean;
}

/** A reader's place in both outputs of one attempt. */
export class LogPosition {
  #attempt: number;
  readonly #offsets: Map<LogSource, bigint>;
  /** Sources of which something came: nothing of them is left out any more. */
  readonly #begun = new Set<LogSource>();
  #tailLines: number;
  /** Whether the first chunk of an output may leave something out. */
  readonly #maySkip: boolean;
  readonly #since: Timestamp | undefined;
  readonly #until: Timestamp | undefined;
  readonly #times: boolean;

  constructor({ attempt, stdoutOffset, stderrOffset, tailLines, since, until, times = false }: LogRequest) {
    this.#attempt = attempt;
    this.#offsets = new Map([
      [LogSource.STDOUT, stdoutOffset],
      [LogSource.STDERR, stderrOffset],
    ]);
    this.#tailLines = tailLines;
    this.#maySkip = tailLines > 0 || since !== undefined;
    this.#since = since;
    this.#until = until;
    this.#times = times;
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
      since: this.#since,
      until: this.#until,
      times: this.#times,
    };
  }

  /** Moves past `chunk`, which is of one of the two outputs; or says why it does not join on, and stays. */
  advance(chunk: LogChunk): string | undefined {
    const { source, offset, data, goneBytes, skippedBytes } = chunk;
    const refusal = this.take(chunk);
    if (refusal !== undefined) return refusal;
    const due = this.#offsets.get(source) ?? 0n;
    if (offset - goneBytes - skippedBytes !== due) {
      return `output from byte ${offset} where byte ${due} was due`;
    }
    if (skippedBytes > 0n && !(this.#maySkip && !this.#begun.has(source)))
      return `${skippedBytes} bytes left out at byte ${offset}`;
    this.#tailLines = 0;
    this.#begun.add(source);
    this.#offsets.set(source, offset + BigInt(data.length));
    return undefined;
  }

  /** Takes the attempt of a chunk; or says why it is not the one that is read. */
  take({ attempt }: LogChunk): string | undefined {
    if (this.#attempt !== 0 && attempt !== this.#attempt) {
      return `output of attempt ${attempt} instead of ${this.#attempt}`;
    }
    this.#attempt = attempt;
    return undefined;
  }
}
