/** Orders of the controller that are answered with a Result. Says what came of one; sends nothing. */
import { create } from '@bufbuild/protobuf';
import { RefusedOrderError, type Workload } from '#agent/workload.ts';
import { type ControllerFrame, type Result, ResultSchema } from '#protocol/gen/drover/v1/link_pb.ts';

/** A frame that asks for a Result. */
export type Order = Extract<ControllerFrame['kind'], { case: 'signal' | 'stop' | 'askUsage' | 'askSamples' }>;

/** Has the workload carry out `order` and says what came of it. Never rejects: a failure is a Result too. */
export async function carryOutOrder(order: Order, workload: Workload): Promise<Result> {
  const { commandId } = order.value;
  try {
    return create(ResultSchema, { commandId, ...(await carryOut(order, workload)) });
  } catch (error) {
    return failedResult(commandId, error);
  }
}

/** The Result of an order that failed with `error`. */
export function failedResult(commandId: bigint, error: unknown): Result {
  const message = error instanceof Error ? error.message : String(error);
  const line = error instanceof RefusedOrderError ? message : `the agent failed: ${message}`;
  const denied = error instanceof RefusedOrderError && error.denied;
  return create(ResultSchema, { commandId, error: line, denied });
}

async function carryOut(order: Order, workload: Workload) {
  switch (order.case) {
    case 'signal': {
      const { taskId, signal, scope } = order.value;
      return { pid: await workload.signal(taskId, signal, scope) };
    }
    case 'stop': {
      const { taskId, graceMs, cause } = order.value;
      await workload.stop(taskId, Number(graceMs), cause);
      return {};
    }
    case 'askUsage':
      return { usage: await workload.usage() };
    case 'askSamples':
      return { samples: [...(await workload.sample(order.value.taskIds))] };
  }
}
