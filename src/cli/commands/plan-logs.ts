/** What `drover logs` was asked to print, out of its options. Pure. */
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type OptionValues, UsageError } from '#base/command-line.ts';
import { parseCount } from '#cli/parse-count.ts';
import { parseMoment } from '#cli/parse-moment.ts';
import type { logsSyntax } from '#cli/syntax/task-syntax.ts';
import { LogSource } from '#protocol/gen/drover/v1/task_pb.ts';

/** Options of `drover logs`. */
export type LogsOptions = OptionValues<(typeof logsSyntax)['options']>;

/** What to read, and how to print it. */
export interface LogsPlan {
  readonly source: LogSource;
  /** Number of one attempt; 0: the latest, and while following those that come. */
  readonly attempt: number;
  /** 1: every attempt. */
  readonly fromAttempt: number;
  readonly tailLines: number;
  readonly follow: boolean;
  readonly since: Timestamp | undefined;
  readonly until: Timestamp | undefined;
  readonly times: boolean;
  readonly grep: RegExp | undefined;
  readonly raw: boolean;
  readonly json: boolean;
}

/** Options that speak of lines; bytes as they come, and chunks, have none. */
const ofLines = ['timestamps', 'grep'] as const;

/** @throws UsageError for what cannot be meant. */
export function planLogs(options: LogsOptions, nowMs: number): LogsPlan {
  if (options.stdout && options.stderr)
    throw new UsageError('drover logs: give --stdout or --stderr, not both');
  const json = options.output === 'jsonl';
  if (options.raw && json) throw new UsageError('drover logs: give --raw or -o jsonl, not both');
  const ofNone = ofLines.find((name) => options[name] !== undefined);
  if (ofNone && (options.raw || json)) {
    const other = json ? '-o jsonl' : '--raw';
    throw new UsageError(`drover logs: --${ofNone} is for lines, and with ${other} there are none`);
  }
  const one = options.stdout ? LogSource.STDOUT : LogSource.STDERR;
  const every = options.attempt === 'all';
  return {
    source: options.stdout || options.stderr ? one : LogSource.UNSPECIFIED,
    attempt: options.attempt === undefined || every ? 0 : parseCount(options.attempt, '--attempt'),
    fromAttempt: every ? 1 : 0,
    tailLines: options.tail === undefined ? 0 : parseCount(options.tail, '-n'),
    follow: options.follow ?? false,
    ...planTimes(options, nowMs),
    times: options.timestamps ?? false,
    grep: options.grep === undefined ? undefined : parsePattern(options.grep),
    raw: options.raw ?? false,
    json,
  };
}

function planTimes({ since, until, follow }: LogsOptions, nowMs: number): Pick<LogsPlan, 'since' | 'until'> {
  const sinceMs = since === undefined ? undefined : parseMoment(since, '--since', nowMs, 'last');
  const untilMs =
    until === undefined ? undefined : parseMoment(until, '--until', nowMs, follow ? 'next' : 'last');
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs) {
    throw new UsageError(`drover logs: --since ${since} is not before --until ${until}`);
  }
  return {
    since: sinceMs === undefined ? undefined : timestampFromMs(sinceMs),
    until: untilMs === undefined ? undefined : timestampFromMs(untilMs),
  };
}

function parsePattern(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    // The engine's message repeats the pattern: "Invalid regular expression: /(/u: Unterminated group".
    const why = error instanceof Error ? error.message.split(': ').at(-1) : String(error);
    throw new UsageError(`--grep takes a regular expression, not ${JSON.stringify(pattern)}: ${why}`);
  }
}
