/** What running attempts use at this moment, asked of the supervisor. Keeps nothing: two samples and their times are a rate. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Clock } from '#base/clock.ts';
import { type TaskSample, TaskSampleSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { isActive } from './attempts.ts';
import type { LiveAttempt } from './live-attempt.ts';
import type { SupervisorClient } from './supervisor-client.ts';
import { isOver, refusedRequest } from './supervisor-errors.ts';

/** Requests under way at once: enough to hide the way there and back, few enough that a start or a signal soon has its turn. */
const inFlightMax = 16;

/**
 * A sample of each attempt that runs, in any order; those that end meanwhile are left out.
 *
 * @throws RefusedOrderError when the supervisor cannot be asked.
 */
export async function sampleAttempts(
  attempts: readonly LiveAttempt[],
  supervisor: Pick<SupervisorClient, 'sample'>,
  clock: Clock,
): Promise<readonly TaskSample[]> {
  const samples: TaskSample[] = [];
  const waiting = attempts.filter((live) => live.life.attempt.pid !== 0 && isActive(live)).values();
  // They share one iterator: each takes the next that nobody has.
  const ask = async () => {
    for (const live of waiting) {
      const sample = await sampleAttempt(live, supervisor, clock);
      if (sample) samples.push(sample);
    }
  };
  await Promise.all(Array.from({ length: inFlightMax }, ask));
  return samples;
}

async function sampleAttempt(
  { id, start }: LiveAttempt,
  supervisor: Pick<SupervisorClient, 'sample'>,
  clock: Clock,
): Promise<TaskSample | undefined> {
  try {
    const { stdoutBytes, stderrBytes, ...used } = await supervisor.sample(id);
    return create(TaskSampleSchema, {
      ...used,
      taskId: start.taskId,
      sampledAt: timestampFromMs(clock.wallMs()),
      outputBytes: stdoutBytes + stderrBytes,
    });
  } catch (error) {
    if (isOver(error)) return undefined;
    throw refusedRequest(error);
  }
}
