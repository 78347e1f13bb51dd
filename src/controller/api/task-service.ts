/**
 * TaskService: seeing, signalling, stopping, following and sampling tasks, reading what they printed, and giving them input.
 */
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { Operator } from '#controller/auth/authorize.ts';
import { quote } from '#core/quote.ts';
import { canonicalSignal } from '#core/signals.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { TaskQuery, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { Cause, SignalScope, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { taskTargets } from './access-targets.ts';
import { actOnTasks } from './act-on-tasks.ts';
import type { ApiParts } from './api-parts.ts';
import { detachData, detachLogs } from './bulk-data.ts';
import { operatorOf, requireEach } from './caller.ts';
import { followTasks } from './follow-tasks.ts';
import { pageRequest } from './page-request.ts';
import { presentTask } from './present-task.ts';
import { readLogs } from './read-logs.ts';
import { recordRead } from './record-read.ts';
import { requireConditions, resolveQuery, resolveTask } from './resolve-tasks.ts';
import { sampleTasks } from './sample-tasks.ts';
import { auditInput, hasTerminal, resolveInput, writeInput } from './write-input.ts';

/** The handlers. */
export function createTaskService(parts: ApiParts): ServiceImpl<typeof TaskService> {
  const { store, dispatch } = parts;
  const resolve = async (context: HandlerContext, query: TaskQuery | undefined) =>
    (await resolveQuery(store.read, operatorOf(context), query)).filter;
  const requireTasks = (context: HandlerContext, verbs: readonly Verb[], tasks: readonly Task[]) =>
    requireEach(context, verbs, () => taskTargets(store.read, tasks));
  return {
    async listTasks(request, context) {
      const filter = await resolve(context, request.query);
      const page = await store.read.listTasks(filter, pageRequest(request));
      return {
        tasks: page.rows.map((task) => presentTask(task, dispatch)),
        nextPageToken: page.next ?? '',
      };
    },

    async getTask({ ref }, context) {
      return presentTask(await resolveTask(store.read, operatorOf(context), ref), dispatch);
    },

    async signalTasks({ query, signal: name, scope }, context) {
      const signal = canonicalSignal(name);
      if (!signal) throw new RefusedError('INVALID', `there is no signal ${quote(name)}`);
      if (!(scope in scopeWords)) throw new RefusedError('INVALID', `there is no signal scope ${scope}`);
      if (!query || (query.refs.length === 0 && query.runId === '')) {
        throw new RefusedError('INVALID', 'no tasks and no run are named to signal');
      }
      const filter = await resolve(context, query);
      const tasks = await store.read.selectTasks(filter);
      await requireTasks(context, [Verb.TASK_SIGNAL], tasks);
      const results = await actOnTasks(parts, tasks, {
        operator: operatorOf(context),
        verb: Verb.TASK_SIGNAL,
        request: { method: 'SignalTasks', signal, scope: scopeWords[scope] ?? '' },
        event: { kind: 'task.signal', data: { signal, scope: scopeWords[scope] ?? '' } },
        apply: (task) => dispatch.signal(task, signal, scope || SignalScope.LEADER, context.signal),
      });
      return { results };
    },

    async stopTasks({ query, graceMs, shutdown }, context) {
      const tasks = await tasksToStop(parts, operatorOf(context), requireConditions(query, 'stop'));
      await requireTasks(context, [Verb.TASK_SIGNAL], tasks);
      const grace = requireGraceMs(graceMs);
      const results = await actOnTasks(parts, tasks, {
        operator: operatorOf(context),
        verb: Verb.TASK_SIGNAL,
        request: { method: 'StopTasks', graceMs: grace, shutdown },
        event: { kind: 'task.stop', data: grace === 0 ? {} : { grace: `${grace / 1000} s` } },
        apply: (task) => stop(parts, task, grace, shutdown, context),
      });
      return { results };
    },

    async *followTasks({ query, output, everyAttempt }, context) {
      const filter = await resolve(context, requireConditions(query, 'follow'));
      const verbs = output ? [Verb.TASK_READ, Verb.LOGS_READ] : [Verb.TASK_READ];
      await requireEach(context, verbs, async () =>
        taskTargets(store.read, await store.read.selectTasks(filter)),
      );
      if (output) await recordRead(parts, context, { verb: Verb.LOGS_READ, query, filter });
      const wanted = everyAttempt ? 'every' : 'latest';
      const responses = followTasks(parts, filter, output ? wanted : 'none', context.signal);
      yield* detachLogs(responses, context.values);
    },

    sampleTasks: ({ query }, context) => sampleTasks(parts, operatorOf(context), query, context.signal),

    async *writeInput(requests, context) {
      const messages = requests[Symbol.asyncIterator]();
      const { value } = await messages.next();
      const target = value?.kind.case === 'target' ? value.kind.value : undefined;
      const order = await resolveInput(parts, operatorOf(context), target);
      const typing = hasTerminal(order.tasks) ? [Verb.SHELL_OPEN] : [];
      await requireTasks(context, [Verb.TASK_LAUNCH, ...typing], order.tasks);
      await auditInput(parts, operatorOf(context), order);
      yield* writeInput(parts, order, messages, context.signal);
    },

    async *readLogs(request, context) {
      const filter = await resolve(context, requireConditions(request.query, 'read the output of'));
      const tasks = await store.read.selectTasks(filter);
      // Such a reader can hold the tasks up.
      const holding = hasTerminal(tasks) ? Verb.SHELL_OPEN : Verb.TASK_LAUNCH;
      const verb = request.interactive ? holding : Verb.LOGS_READ;
      await requireTasks(context, [...new Set([Verb.LOGS_READ, verb])], tasks);
      await recordRead(parts, context, { verb, query: request.query, filter });
      yield* detachData(readLogs(parts, tasks, request, context.signal), context.values);
    },
  };
}

const scopeWords: Readonly<Record<number, string>> = {
  [SignalScope.UNSPECIFIED]: 'leader',
  [SignalScope.LEADER]: 'leader',
  [SignalScope.GROUP]: 'group',
  [SignalScope.TREE]: 'tree',
};

/** Ended tasks are left out unless they were named one by one: those answer that they have ended. */
async function tasksToStop(
  { store }: ApiParts,
  operator: Operator,
  query: TaskQuery,
): Promise<readonly Task[]> {
  const { filter, named } = await resolveQuery(store.read, operator, query);
  const tasks = await store.read.selectTasks(filter);
  return tasks.filter((task) => task.state !== TaskState.ENDED || named.has(task.id));
}

async function stop(
  { dispatch }: ApiParts,
  task: Task,
  graceMs: number,
  shutdown: boolean,
  { signal }: HandlerContext,
): Promise<number> {
  await dispatch.stop(task, graceMs, shutdown ? Cause.SHUTDOWN : Cause.OPERATOR, signal);
  return task.attempts.at(-1)?.pid ?? 0;
}

function requireGraceMs(graceMs: bigint): number {
  if (graceMs <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(graceMs);
  throw new RefusedError('INVALID', `a grace of ${graceMs} ms is out of range`);
}
