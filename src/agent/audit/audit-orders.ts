/** Records in the node's audit what its policy says of orders: around the deciders of starts, and around the workload. */
import type { DecideLaunch } from '#agent/process/launch-decision.ts';
import { RefusedOrderError, type Workload } from '#agent/workload.ts';
import type { Json } from '#base/canonical-json.ts';
import { limits } from '#protocol/limits.ts';
import type { NodeAudit, NodeDecision } from './node-audit.ts';

/** The same decisions, each recorded before anything comes of it. */
export function auditLaunches(decide: DecideLaunch, audit: NodeAudit): DecideLaunch {
  return async (start, workspace) => {
    const { taskId: task, attempt, runId: run, operator, spec } = start;
    const decision = await decide(start, workspace);
    const asked = { task, attempt, run, operator, argv: [...(spec?.argv ?? [])], user: spec?.user ?? '' };
    const kind = { what: 'launch', terminal: spec?.terminal !== undefined } as const;
    if (decision.allowed) {
      const { rule, launch } = decision;
      const ran = spec?.named ? { ran: [...launch.argv] } : {};
      audit.record({ ...kind, decision: 'allowed', ...asked, rule, binary: launch.binary, ...ran });
    }
    // A command that is not there was not denied.
    else if (decision.step === 'policy')
      audit.record({ ...kind, decision: 'denied', ...asked, reason: decision.reason });
    return decision;
  };
}

/** The same workload; orders about what runs are recorded with what came of them. */
export function auditOrders(workload: Workload, audit: NodeAudit): Workload {
  const record = (what: NodeDecision['what'], asked: { readonly [key: string]: Json }, error?: unknown) => {
    const isDenied = error instanceof RefusedOrderError && error.denied;
    const message = error instanceof Error ? error.message.slice(0, limits.nodeAuditReasonMax) : undefined;
    const outcome = isDenied ? { reason: message } : { failed: message };
    audit.record({ what, decision: isDenied ? 'denied' : 'allowed', ...asked, ...(error ? outcome : {}) });
  };
  const recorded = async <T>(
    what: NodeDecision['what'],
    asked: { readonly [key: string]: Json },
    carryOut: () => Promise<T>,
  ): Promise<T> => {
    try {
      const result = await carryOut();
      record(what, asked);
      return result;
    } catch (error) {
      record(what, asked, error);
      throw error;
    }
  };
  return {
    held: () => workload.held(),
    start: (order) => workload.start(order),
    signal: (task, signal, scope) =>
      recorded('signal', { task, signal, scope }, () => workload.signal(task, signal, scope)),
    stop: (task, graceMs, cause) =>
      recorded('stop', { task, graceMs, cause }, () => workload.stop(task, graceMs, cause)),
    usage: () => workload.usage(),
    sample: (tasks) => workload.sample(tasks),
    async *readLog(order, abort) {
      if (order.interactive) record('terminal', { task: order.taskId, attempt: order.attempt });
      yield* workload.readLog(order, abort);
    },
    async *takeInput(order, frames, abort) {
      record('input', { task: order.taskId, attempt: order.attempt });
      yield* workload.takeInput(order, frames, abort);
    },
    carryOutFiles: (order, frames, abort) => workload.carryOutFiles(order, frames, abort),
    linked: () => workload.linked(),
    listen: (after, listener) => workload.listen(after, listener),
    acknowledge: (sequence) => workload.acknowledge(sequence),
  };
}
