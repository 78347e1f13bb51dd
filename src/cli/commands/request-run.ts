/** Creates a run so that Ctrl-C leaves no doubt: while the answer is out, it is waited for, and then the run is stopped. */
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { isRefused, neverConnected } from '#cli/failure.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { CreateRunRequest, CreateRunResponse } from '#protocol/gen/drover/v1/api_pb.ts';
import { createRun } from './create-run.ts';

/** A run that exists. */
export interface RequestedRun {
  readonly created: CreateRunResponse;
  /** When it was asked for, milliseconds of the monotonic clock. */
  readonly askedMs: number;
  /** Ctrl-C was pressed meanwhile: the run has not been told of it. */
  readonly interrupted: boolean;
}

/**
 * Creates it, and tells the prompt of it. The first Ctrl-C is kept for the caller, the second one leaves.
 *
 * @throws what `createRun` throws, CommandError where it was left; where the run may exist all the same, its id is said.
 */
export async function requestRun(
  context: CommandContext,
  connection: Connection,
  request: CreateRunRequest,
): Promise<RequestedRun> {
  const { out, clock, interrupts } = context;
  const left = new AbortController();
  const askedMs = clock.monotonicMs();
  let interrupted = false;
  using _listening = interrupts.listen(() => {
    if (interrupted) left.abort();
    else out.errLine('drover: waiting for the answer to the launch; Ctrl-C again leaves');
    interrupted = true;
  });
  const abort = AbortSignal.any([context.abort, left.signal]);
  try {
    const created = await createRun(connection, request, { abort, clock });
    context.noteRun(request.id);
    return { created, askedMs, interrupted };
  } catch (error) {
    if (isRefused(error) || neverConnected(error)) throw error;
    context.noteRun(request.id);
    const doubt = `run ${request.id} may have been created all the same: drover ps -a ${request.id}`;
    if (left.signal.aborted) throw new CommandError(exitCodes.interrupted, doubt, { cause: error });
    out.errLine(`drover: ${doubt}`);
    throw error;
  }
}
