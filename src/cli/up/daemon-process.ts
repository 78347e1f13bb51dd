/**
 * One life of a daemon that we start: its own process group, standard input held open (it ends when that closes, so also
 * when we are killed), standard error in a log file, standard output read for the line that says it is ready.
 *
 *   starting ──ready line──► ready ──stop()──► stopping ──► ended
 *       └───────────────────────┴──its own end──────────────► ended
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, renameSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Clock } from '#base/clock.ts';
import { type Program, programCommand } from '#base/installation.ts';
import { lastLogLine } from './last-log-line.ts';

/** What to start. */
export interface DaemonSpec {
  /** For people: "the controller", "the agent of node1". */
  readonly title: string;
  readonly program: Program;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly logPath: string;
  /** Matches the line on standard output that says it is ready. */
  readonly ready: RegExp;
}

/** How a daemon ended. */
export interface DaemonEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said last; may be empty. */
  readonly lastWords: string;
}

/** A log that is larger than this, bytes, is put aside at the next start. */
const logBytesMax = 8 << 20;
/** Time between the end of standard input and SIGKILL, milliseconds: a controller closes its store in far less. */
export const stopGraceMs = 15_000;

/** A started daemon. */
export class DaemonProcess {
  readonly spec: DaemonSpec;
  /** Resolves when it ended, however; never rejects. */
  readonly ended: Promise<DaemonEnd>;
  /** Resolves with the match of its ready line; to undefined when it ended before. */
  readonly ready: Promise<RegExpExecArray | undefined>;
  readonly #child: ChildProcess;

  /** Starts it. @throws the system's error where its log cannot be opened. */
  constructor(spec: DaemonSpec) {
    this.spec = spec;
    setAside(spec.logPath);
    const log = openSync(spec.logPath, 'a', 0o600);
    const logStart = fstatSync(log).size;
    const { file, args } = programCommand(spec.program, spec.args);
    try {
      this.#child = spawn(file, args, {
        detached: true,
        stdio: ['pipe', 'pipe', log],
        env: spec.environment,
      });
    } finally {
      closeSync(log);
    }
    // Writing to a daemon that has gone is no failure of ours: its end says it all.
    this.#child.stdin?.on('error', () => {});
    this.ended = endOf(this.#child, spec.logPath, logStart);
    this.ready = Promise.race([readyLine(this.#child, spec.ready), this.ended.then(() => undefined)]);
  }

  /** Its process id; undefined where it could not be started at all. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Asks it to end, kills it where it does not within `stopGraceMs`, and waits for the end. May be called again. */
  async stop(clock: Clock): Promise<DaemonEnd> {
    this.#child.stdin?.end();
    using _kill = clock.schedule(stopGraceMs, () => void this.#child.kill('SIGKILL'));
    return await this.ended;
  }
}

function endOf(child: ChildProcess, logPath: string, logStart: number): Promise<DaemonEnd> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) =>
      resolve({ code, signal, lastWords: lastLogLine(logPath, logStart) }),
    );
    child.once('error', (error) => resolve({ code: null, signal: null, lastWords: error.message }));
  });
}

function readyLine(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve) => {
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = pattern.exec(line);
      if (match) resolve(match);
    });
  });
}

function setAside(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logBytesMax) renameSync(path, `${path}.old`);
}

/** How it ended in words, with what it said last. */
export function describeEnd({ code, signal, lastWords }: DaemonEnd): string {
  const how = signal === null ? `exit ${code ?? 'unknown'}` : signal;
  return lastWords === '' ? how : `${how}: ${lastWords}`;
}
