/**
 * What a simulated task does, as its command says it: `sim` and words such as `exit=3`, in any order. Any other command ends
 * at once with exit code 0. Pure.
 *
 *   exit=CODE     ends with that code (default 0)          after=MS     runs so long (default 0)
 *   signal=NAME   ends by that signal instead              stubborn     ends by SIGKILL only
 *   print=TEXT    prints this line at its start            repeat=N     so many times
 *   not-started   no process of it ever runs               silent       its agent takes the order and never tells of it
 *   cut=before    its agent loses its connection, once, before the order is in its journal
 *   cut=after     … as soon as it is there
 */
import assert from 'node:assert/strict';
import { signalNumber } from '#core/signals.ts';

/** How a simulated task goes. */
export interface TaskScript {
  /** As wait4 gives it. */
  readonly waitStatus: number;
  /** From its start to its end, milliseconds; Infinity for one that only ends when it is told to. */
  readonly runsMs: number;
  /** Only SIGKILL ends it. */
  readonly stubborn: boolean;
  /** What it prints at its start, once. */
  readonly line: string;
  /** How many times it prints that. */
  readonly lines: number;
  readonly starts: boolean;
  /** Nothing is ever told of it. */
  readonly silent: boolean;
  /** Where its agent loses the connection. */
  readonly cut: 'before' | 'after' | undefined;
}

/** The word that a simulated command begins with. */
export const simulatedCommand = 'sim';

/** Reads a command. @throws AssertionError for a word that there is not: a test that says nonsense is wrong. */
export function parseTaskScript(argv: readonly string[]): TaskScript {
  const words = new Map(argv[0] === simulatedCommand ? argv.slice(1).map(splitWord) : []);
  const take = (name: string) => {
    const value = words.get(name);
    words.delete(name);
    return value;
  };
  const [exit, signal, after, line, repeat, cut] = ['exit', 'signal', 'after', 'print', 'repeat', 'cut'].map(
    take,
  );
  const [stubborn, notStarted, silent] = ['stubborn', 'not-started', 'silent'].map(take);
  assert.deepEqual([...words.keys()], [], 'words that no simulated task knows');
  assert.ok(cut === undefined || cut === 'before' || cut === 'after', `cut=${cut}`);
  return {
    waitStatus: signal === undefined ? Number(exit ?? 0) << 8 : (signalNumber(signal) ?? 0),
    runsMs: after === 'never' ? Number.POSITIVE_INFINITY : Number(after ?? 0),
    stubborn: stubborn !== undefined,
    line: line === undefined ? '' : `${line}\n`,
    lines: Number(repeat ?? 1),
    starts: notStarted === undefined,
    silent: silent !== undefined,
    cut,
  };
}

/** Bytes of what the task prints. */
export function outputBytes({ line, lines }: TaskScript): number {
  return Buffer.byteLength(line) * lines;
}

/** So many bytes of what the task prints, from `offset` on; fewer at its end. */
export function outputAt(script: TaskScript, offset: number, bytesMax: number): Buffer {
  const line = Buffer.from(script.line);
  const bytes = Math.max(0, Math.min(bytesMax, outputBytes(script) - offset));
  if (bytes === 0) return Buffer.alloc(0);
  const skipped = offset % line.length;
  const lines = Math.ceil((skipped + bytes) / line.length);
  return Buffer.concat(Array.from({ length: lines }, () => line)).subarray(skipped, skipped + bytes);
}

function splitWord(word: string): [string, string] {
  const at = word.indexOf('=');
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
}
