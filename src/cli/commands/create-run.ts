/** Creates a run exactly once, whatever happens to the connection: its id is made here and stays the same. */

import { backoffDelayMs } from '#base/backoff.ts';
import { delay } from '#base/clock.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { isConnectionLost, neverConnected } from '#cli/failure.ts';
import type { CreateRunRequest, CreateRunResponse } from '#protocol/gen/drover/v1/api_pb.ts';

/** Tries in all: with growing pauses some 10 s, in which a controller can restart. */
const triesMax = 8;
const backoff = { baseMs: 500, maxMs: 4_000 };

/**
 * Sends the request until it is answered.
 *
 * @throws what the API refuses with; the loss of the connection, where there never was one or after the last try. Whether the
 *   run was created is then unknown; the message of the caller should name the id.
 */
export async function createRun(
  connection: Connection,
  request: CreateRunRequest,
  context: Pick<CommandContext, 'abort' | 'clock'>,
): Promise<CreateRunResponse> {
  for (let tries = 1; ; tries++) {
    try {
      return await connection.runs.createRun(request, callOptions(context));
    } catch (error) {
      const certainlyNot = tries === 1 && neverConnected(error);
      if (certainlyNot || tries === triesMax || !isConnectionLost(error)) throw error;
    }
    await delay(context.clock, backoffDelayMs(tries, backoff, Math.random()), context.abort);
  }
}
