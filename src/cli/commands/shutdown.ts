/** `drover shutdown`: stops the controller, and every task first where asked. */
import type { CommandLine } from '#base/command-line.ts';
import { callOptions, callTimeoutMs } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { parseDuration } from '#cli/output/format-duration.ts';
import { printJson } from '#cli/output/json.ts';
import type { shutdownSyntax } from '#cli/syntax/cluster-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { ShutdownResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';

/** Longest wait for tasks where nobody says, milliseconds: as the API's. */
const stopTimeoutDefaultMs = 30_000;

/** Exit code 5 where tasks should have been stopped and some are left. */
export async function shutdown(
  context: CommandContext,
  { options }: CommandLine<(typeof shutdownSyntax)['options']>,
): Promise<number> {
  const stopTasks = options['stop-tasks'] ?? false;
  const timeoutMs =
    options.timeout === undefined ? stopTimeoutDefaultMs : parseDuration(options.timeout, '--timeout');
  const { out } = context;
  const connection = await context.connect(options.data);
  const response = await connection.cluster.shutdown(
    { stopTasks, stopTimeoutMs: BigInt(timeoutMs) },
    callOptions(context, timeoutMs + callTimeoutMs),
  );
  const left = response.activeTasks;
  if (options.output === 'json') printJson(out, ShutdownResponseSchema, response);
  else out.outLine(`the controller at ${connection.address} stops`);
  if (left.length > 0) {
    out.errLine(
      `drover: ${left.length} ${left.length === 1 ? 'task goes' : 'tasks go'} on: ${left.join(' ')}`,
    );
  }
  return stopTasks && left.length > 0 ? exitCodes.taskFailed : exitCodes.success;
}
