/** Prints what became of an order on each task: for the people, and as the exit code. */

import { printJson } from '#cli/output/json.ts';
import type { Output } from '#cli/output/output.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import { exitCodes } from '#core/exit-code.ts';
import { type ActOnTasksResponse, ActOnTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';

/**
 * @param done what was done to a task, in words, such as "sent SIGINT to".
 * @returns 5 where the order did not arrive somewhere.
 */
export function printActions(
  out: Output,
  format: string | undefined,
  done: string,
  response: ActOnTasksResponse,
): number {
  if (format === 'json') printJson(out, ActOnTasksResponseSchema, response);
  for (const { taskId, node, pid, error } of response.results) {
    if (error) out.errLine(`drover: ${taskId} on ${node}: ${oneLine(error)}`);
    else if (format !== 'json') out.outLine(`${done} ${taskId} on ${node}${pid > 0 ? ` (pid ${pid})` : ''}`);
  }
  if (response.results.length === 0) out.errLine('drover: no task was there');
  return response.results.some(({ error }) => error !== '') ? exitCodes.taskFailed : exitCodes.success;
}
