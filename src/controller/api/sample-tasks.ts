/**
 * What running tasks use now: their nodes are asked all at once, and each answers or is named with its problem. A node that
 * is slow holds up the others for so long and no longer.
 */
import { create } from '@bufbuild/protobuf';
import type { Operator } from '#controller/auth/authorize.ts';
import { type Dispatch, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { activeStates } from '#core/task-state.ts';
import { RefusedError } from '#protocol/errors.ts';
import {
  type NodeProblem,
  NodeProblemSchema,
  type SampleTasksResponse,
  SampleTasksResponseSchema,
  type TaskQuery,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { type Task, type TaskSample, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import type { ApiParts } from './api-parts.ts';
import { presentTask } from './present-task.ts';
import { resolveQuery } from './resolve-tasks.ts';

/** States in which something of a task runs. */
const runningStates: readonly TaskState[] = [TaskState.RUNNING, TaskState.STOPPING];

/** @throws RefusedError as resolveQuery; LIMIT where more tasks are active than one call samples. */
export async function sampleTasks(
  { store, dispatch, clock }: Pick<ApiParts, 'store' | 'dispatch' | 'clock'>,
  operator: Operator,
  query: TaskQuery | undefined,
  signal: AbortSignal,
): Promise<SampleTasksResponse> {
  const { filter } = await resolveQuery(store.read, operator, query);
  const states = activeStates.filter((state) => filter.states?.includes(state) ?? true);
  const tasks = await store.read.selectTasks({ ...filter, states });
  if (tasks.length > limits.sampledTasksMax) {
    throw new RefusedError(
      'LIMIT',
      `${tasks.length} tasks have not ended, and ${limits.sampledTasksMax} are sampled at once: name fewer tasks or nodes`,
    );
  }
  const running = tasks.filter((task) => runningStates.includes(task.state));
  const late = new AbortController();
  using _deadline = clock.schedule(limits.sampleTimeoutMs, () => late.abort());
  const abort = AbortSignal.any([signal, late.signal]);
  const answers = await Promise.all(
    [...Map.groupBy(running, (task) => task.node)].map(([node, those]) =>
      sampleNode(dispatch, node, those, abort),
    ),
  ).finally(() => signal.throwIfAborted());
  return create(SampleTasksResponseSchema, {
    samples: answers.flatMap((answer) => (Array.isArray(answer) ? answer : [])),
    tasks: tasks
      .toSorted((a, b) => compareNames(a.node, b.node) || compareNames(a.id, b.id))
      .map((task) => presentTask(task, dispatch)),
    problems: answers
      .flatMap((answer) => (Array.isArray(answer) ? [] : [answer]))
      .sort((a, b) => compareNames(a.node, b.node)),
  });
}

/** Samples of these tasks of one node, or why there are none: after an abort that it did not answer in time. */
async function sampleNode(
  dispatch: Dispatch,
  node: NodeName,
  tasks: readonly Task[],
  abort: AbortSignal,
): Promise<TaskSample[] | NodeProblem> {
  const ids = tasks.map((task) => task.id);
  try {
    return await dispatch.sample(node, ids, abort);
  } catch (error) {
    if (error instanceof NodeRefusedError) return problem(node, error.message);
    if (!abort.aborted) throw error;
    return problem(node, `the node did not answer within ${limits.sampleTimeoutMs / 1000} s`);
  }
}

function problem(node: NodeName, error: string): NodeProblem {
  return create(NodeProblemSchema, { node, error });
}
