/** Whether what a task has as its standard input can be meant. Pure. */
import { quote } from '#core/quote.ts';
import { RestartMode, StdinMode, type TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';
import { findEnumProblem } from './describe-value.ts';

/** The most rows or columns that the kernel keeps of a terminal. */
const sizeMax = 0xffff;
/** What terminfo's names are made of. */
const termPattern = /^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$/;
/** Longest time in a spec: what a JavaScript number of milliseconds holds exactly. */
const timeMsMax = BigInt(Number.MAX_SAFE_INTEGER);

/** What is wrong, one line; undefined when nothing is. */
export function findInputProblem(spec: TaskSpec): string | undefined {
  const unknownMode = findEnumProblem('stdin', spec.stdin, StdinMode);
  if (unknownMode !== undefined) return unknownMode;
  const { terminal, stdin, restart } = spec;
  if (!terminal && stdin !== StdinMode.STREAM) return undefined;
  if (restart && restart.mode !== RestartMode.UNSPECIFIED && restart.mode !== RestartMode.NEVER) {
    return 'a task that is given input cannot be restarted: what it was given is gone then';
  }
  if (!terminal) return undefined;
  const { rows, columns, term, hangupAfterMs } = terminal;
  if (rows > sizeMax || columns > sizeMax) return `no terminal has ${rows} rows of ${columns} columns`;
  if (term !== '' && !termPattern.test(term)) return `${quote(term)} cannot be the name of a terminal`;
  if (hangupAfterMs > timeMsMax) return `hanging up after ${hangupAfterMs} ms is out of range`;
  return undefined;
}
