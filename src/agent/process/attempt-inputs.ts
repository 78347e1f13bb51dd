/** What the supervisor tells, as inputs of an attempt's life. Pure but for the sizes of the outputs of a lost attempt. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptInput } from './attempt-life.ts';
import { describeFailure, type LaunchNames } from './describe-failure.ts';
import type { AttemptStatus } from './supervisor-messages.ts';

/** Names and places that inputs speak of. */
export interface AttemptPlaces extends LaunchNames {
  /** Where its output is. */
  readonly logDirectory: string;
}

/** The inputs that bring an attempt to what `status` says, in their order. */
export function inputsOfStatus(status: AttemptStatus, places: AttemptPlaces): AttemptInput[] {
  const inputs: AttemptInput[] = [];
  const { started, notStarted, exited, empty, lost } = status;
  if (started) inputs.push({ kind: 'started', ...started });
  if (notStarted) {
    const reason = describeFailure(notStarted.step, notStarted.errno, places);
    inputs.push({ kind: 'notStarted', ...notStarted, reason });
  }
  if (exited) inputs.push({ kind: 'exited', ...exited });
  if (empty) inputs.push({ kind: 'empty', ...empty });
  if (lost) inputs.push(lostInput(lost.reason, lost.wallMs, places));
  return inputs;
}

/** The end of an attempt of which nobody can know more. */
export function lostInput(reason: string, wallMs: number, { logDirectory }: AttemptPlaces): AttemptInput {
  const sizeOf = (name: string) =>
    BigInt(statSync(join(logDirectory, name), { throwIfNoEntry: false })?.size ?? 0);
  return { kind: 'lost', reason, wallMs, stdoutBytes: sizeOf('stdout'), stderrBytes: sizeOf('stderr') };
}
