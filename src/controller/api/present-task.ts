/** Tasks as the API shows them: what was recorded, and how fresh that is. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Dispatch } from '#controller/dispatch/dispatch.ts';
import { freshnessOf } from '#core/liveness.ts';
import { Freshness, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

/** The task with its freshness and when its node was last heard of, as of now. The given one is left as it is. */
export function presentTask(task: Task, dispatch: Pick<Dispatch, 'liveness'>): Task {
  const { state, seenAtMs } = dispatch.liveness(task.node);
  const freshness = task.state === TaskState.ENDED ? Freshness.LIVE : freshnessOf(state);
  return seenAtMs === undefined
    ? { ...task, freshness }
    : { ...task, freshness, nodeSeenAt: timestampFromMs(seenAtMs) };
}
