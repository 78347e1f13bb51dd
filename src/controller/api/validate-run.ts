/** Whether a run can be launched as it was asked for, as far as the request alone tells. Pure. */

import { findLimitProblem } from '#core/find-limit-problem.ts';
import { quote } from '#core/quote.ts';
import { canonicalSignal } from '#core/signals.ts';
import { type CreateRunRequest, WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { LeftoverPolicy, StdinMode, type TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';
import { isRunId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { findEnumProblem } from './describe-value.ts';
import { isOpen } from './resolve-nodes.ts';
import { findInputProblem } from './validate-input.ts';
import { findPacingProblem } from './validate-pacing.ts';
import { findRestartProblem } from './validate-restart.ts';

/** Longest path of Linux, with its NUL (PATH_MAX). */
const pathBytesMax = 4096;
/** Longest user name that useradd takes is 32; directories have longer ones. */
const userMax = 256;
/** Longest time in a spec: what a JavaScript number of milliseconds holds exactly. */
const timeMsMax = BigInt(Number.MAX_SAFE_INTEGER);

const environmentNamePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What is wrong with the request, one line; undefined when nothing is. */
export function findRunProblem(request: CreateRunRequest): string | undefined {
  const { id, name, spec, whenUnreachable } = request;
  if (!isRunId(id)) return `run id ${quote(id)} is no UUIDv7 in lower case`;
  if (name.length > limits.runNameMax) {
    return `the run's name has ${name.length} characters, at most ${limits.runNameMax} are taken`;
  }
  if (hasControl(name)) return "the run's name has a control character";
  if (isOpen(request)) return 'no nodes are named: an empty target never means all';
  const unknownValue = findEnumProblem('when_unreachable', whenUnreachable, WhenUnreachable);
  if (unknownValue !== undefined) return unknownValue;
  const pacingProblem = findPacingProblem(request.pacing);
  if (pacingProblem !== undefined) return pacingProblem;
  if (request.pacing && takesInput(spec)) {
    return 'input goes to all tasks alike, so they must run at once: a pace cannot be kept with it';
  }
  if (whenUnreachable === WhenUnreachable.WAIT && takesInput(spec)) {
    return 'input goes to all tasks alike, so they must run at once: a node that is away cannot be waited for with it';
  }
  return spec ? findSpecProblem(spec) : 'there is no spec: nothing to launch';
}

/** A task that waits for its turn or its node would hold up the input of those that run. */
function takesInput(spec: TaskSpec | undefined): boolean {
  return spec?.stdin === StdinMode.STREAM || spec?.terminal !== undefined;
}

function findSpecProblem(spec: TaskSpec): string | undefined {
  return (
    findArgvProblem(spec.argv) ??
    findEnvironmentProblem(spec.env) ??
    findPlaceProblem(spec) ??
    findStopProblem(spec) ??
    findLimitProblem(spec) ??
    findRestartProblem(spec.restart) ??
    findEnumProblem('leftovers', spec.leftovers, LeftoverPolicy) ??
    findInputProblem(spec)
  );
}

function findArgvProblem(argv: readonly string[]): string | undefined {
  if (argv.length === 0 || argv[0] === '') return 'the command is empty';
  if (argv.length > limits.argvMax) {
    return `the command has ${argv.length} arguments, at most ${limits.argvMax} are taken`;
  }
  if (argv.some(hasNul)) return 'an argument of the command has a NUL';
  const bytes = argv.reduce((sum, argument) => sum + Buffer.byteLength(argument) + 1, 0);
  if (bytes <= limits.argvBytesMax) return undefined;
  return `the command has ${bytes} bytes, at most ${limits.argvBytesMax} are taken`;
}

function findEnvironmentProblem(env: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(env);
  if (entries.length > limits.envMax) {
    return `the environment has ${entries.length} variables, at most ${limits.envMax} are taken`;
  }
  for (const [name, value] of entries) {
    if (!environmentNamePattern.test(name)) return `${quote(name)} cannot be the name of a variable`;
    if (hasNul(value)) return `the value of ${name} has a NUL`;
  }
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 2, 0);
  if (bytes <= limits.envBytesMax) return undefined;
  return `the environment has ${bytes} bytes, at most ${limits.envBytesMax} are taken`;
}

function findPlaceProblem({ cwd, user }: TaskSpec): string | undefined {
  if (cwd !== '' && !cwd.startsWith('/')) return `working directory ${quote(cwd)} is not absolute`;
  if (hasNul(cwd)) return 'the working directory has a NUL';
  if (Buffer.byteLength(cwd) >= pathBytesMax) return 'the working directory is longer than a path can be';
  if (user.length > userMax || hasControl(user) || /[:/\s]/.test(user)) {
    return `${quote(user)} cannot be the name of a user`;
  }
  return undefined;
}

function findStopProblem({ timeoutMs, stopSignal, stopGraceMs }: TaskSpec): string | undefined {
  if (stopSignal !== '' && !canonicalSignal(stopSignal)) return `there is no signal ${quote(stopSignal)}`;
  if (timeoutMs > timeMsMax) return `a time limit of ${timeoutMs} ms is out of range`;
  if (stopGraceMs > timeMsMax) return `a stop grace of ${stopGraceMs} ms is out of range`;
  return undefined;
}

function hasNul(text: string): boolean {
  return text.includes('\0');
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
