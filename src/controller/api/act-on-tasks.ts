/**
 * Signals and stops: an order for each selected task, all under way at once, and what became of each. The audit row is
 * on disk before the first order is sent.
 */
import { create } from '@bufbuild/protobuf';
import type { Json } from '#base/canonical-json.ts';
import { auditRecord } from '#controller/auth/audit-entry.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { newEvent } from '#controller/store/new-event.ts';
import type { EventRecord } from '#controller/store/store.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { type TaskActionResult, TaskActionResultSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { aboutTasks } from './about-tasks.ts';
import type { ApiParts } from './api-parts.ts';

/** An order and who gives it. */
export interface TaskOrder {
  readonly operator: Operator;
  readonly verb: Verb;
  /** What was asked, for the audit. */
  readonly request: Json;
  /** How it is told as an event of each task. */
  readonly event: Pick<EventRecord, 'kind' | 'data'>;
  /** Gives the order to one active task. @returns the process id it went to. @throws NodeRefusedError */
  readonly apply: (task: Task) => Promise<number>;
}

/** Records the order, gives it to each task, and says for each what became of it, in natural order of their nodes. */
export async function actOnTasks(
  { store, clock }: Pick<ApiParts, 'store' | 'clock'>,
  tasks: readonly Task[],
  order: TaskOrder,
): Promise<TaskActionResult[]> {
  const sorted = tasks.toSorted((a, b) => compareNames(a.node, b.node) || compareNames(a.id, b.id));
  const atMs = clock.wallMs();
  const record = auditRecord({
    atMs,
    who: order.operator.name,
    verb: order.verb,
    decision: 'allowed',
    ...aboutTasks(sorted),
    request: order.request,
  });
  const { kind, data } = order.event;
  const who = order.operator.name;
  const events = sorted
    .filter((task) => task.state !== TaskState.ENDED)
    .map(({ id: taskId, runId, node }) => newEvent(atMs, kind, { node, taskId, runId, who, data }));
  await store.transact(async (writer) => {
    await writer.insertAudit(record);
    await writer.insertEvents(events);
  });
  return Promise.all(sorted.map((task) => actOnTask(task, order)));
}

async function actOnTask(task: Task, order: TaskOrder): Promise<TaskActionResult> {
  const { id: taskId, node } = task;
  if (task.state === TaskState.ENDED) {
    return create(TaskActionResultSchema, { taskId, node, error: 'the task has ended' });
  }
  try {
    return create(TaskActionResultSchema, { taskId, node, pid: await order.apply(task) });
  } catch (error) {
    if (!(error instanceof NodeRefusedError)) throw error;
    return create(TaskActionResultSchema, { taskId, node, error: error.message });
  }
}
