/** Answers of SampleTasks, for tests of what is made of them. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type NodeProblemSchema,
  type SampleTasksResponse,
  SampleTasksResponseSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import type { TaskSampleSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { makeTask } from './fake-api.ts';

/** A task that runs, by its id, and what it uses; without a sample where that is undefined. */
export interface SampledTask {
  readonly id: string;
  readonly node: string;
  readonly argv?: string[];
  readonly state?: TaskState;
  readonly attempt?: number;
  readonly uses?: Omit<MessageInitShape<typeof TaskSampleSchema>, '$typeName' | 'taskId' | 'sampledAt'>;
}

/** When all that runs was started, by the clocks of the nodes. */
export const startedAtMs = 1_700_000_000_000;

/** The answer so many milliseconds after the start. */
export function answerOf(
  afterMs: number,
  tasks: readonly SampledTask[],
  problems: MessageInitShape<typeof NodeProblemSchema>[] = [],
): SampleTasksResponse {
  const startedAt = timestampFromMs(startedAtMs);
  return create(SampleTasksResponseSchema, {
    tasks: tasks.map(({ id, node, argv = ['x'], state = TaskState.RUNNING, attempt = 1 }) =>
      makeTask(id, node, { state, spec: { argv }, attempts: [{ number: attempt, startedAt, state }] }),
    ),
    samples: tasks.flatMap(({ id, uses }) =>
      uses ? [{ ...uses, taskId: id, sampledAt: timestampFromMs(startedAtMs + afterMs) }] : [],
    ),
    problems,
  });
}
