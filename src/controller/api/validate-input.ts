/** Whether what a task has as its standard input and output can be meant. Pure. */
import { quote } from '#core/quote.ts';
import { RestartMode, StdinMode, type TaskSpec, type TerminalSpec } from '#protocol/gen/drover/v1/task_pb.ts';
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
  const { terminal, pipes, stdin, restart } = spec;
  if (!terminal && !pipes && stdin !== StdinMode.STREAM) return undefined;
  if (restart && restart.mode !== RestartMode.UNSPECIFIED && restart.mode !== RestartMode.NEVER) {
    return 'a task that is given input or waits for its reader cannot be restarted: one attempt has them, and is gone then';
  }
  if (terminal && pipes) return 'the output of a task goes to a terminal or through pipes, not both';
  const hangupAfterMs = (terminal ?? pipes)?.hangupAfterMs ?? 0n;
  if (hangupAfterMs > timeMsMax) return `hanging up after ${hangupAfterMs} ms is out of range`;
  return terminal && findTerminalProblem(terminal);
}

function findTerminalProblem({ rows, columns, term }: TerminalSpec): string | undefined {
  if (rows > sizeMax || columns > sizeMax) return `no terminal has ${rows} rows of ${columns} columns`;
  if (term !== '' && !termPattern.test(term)) return `${quote(term)} cannot be the name of a terminal`;
  return undefined;
}
