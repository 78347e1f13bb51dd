/** What running tasks of one node use now, asked of its agent a part at a time: one frame carries so many samples and no more. */
import type { TaskSample } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { AgentSession } from './agent-session.ts';
import { NodeRefusedError } from './dispatch.ts';
import { refuseSamples } from './judge-samples.ts';

/**
 * @see Dispatch.sample
 *
 * @throws NodeRefusedError when the node refuses, sends nonsense, or the session ends first.
 * @throws the reason of `abort`.
 */
export async function sampleNode(
  session: Pick<AgentSession, 'ask'>,
  taskIds: readonly string[],
  abort: AbortSignal,
): Promise<TaskSample[]> {
  const samples: TaskSample[] = [];
  for (let from = 0; from < taskIds.length; from += limits.samplesMax) {
    const part = taskIds.slice(from, from + limits.samplesMax);
    const result = await session.ask(
      (commandId) => ({ case: 'askSamples', value: { commandId, taskIds: part } }),
      abort,
    );
    const refusal = refuseSamples(part, result.samples);
    if (refusal !== undefined) throw new NodeRefusedError(`the node sent nonsense: ${refusal}`);
    samples.push(...result.samples);
  }
  return samples;
}
