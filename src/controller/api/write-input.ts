/**
 * Input from one caller to some tasks, the same to each: what the caller sends goes into a window, from which every task takes it
 * as fast as it can. The caller hears up to where all of them have come, and which take no more.
 */
import { create } from '@bufbuild/protobuf';
import { auditRecord } from '#controller/auth/audit-entry.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { RefusedError } from '#protocol/errors.ts';
import {
  type InputRefusal,
  InputRefusalSchema,
  type InputTarget,
  type WriteInputRequest,
  type WriteInputResponse,
  WriteInputResponseSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { aboutTasks } from './about-tasks.ts';
import type { ApiParts } from './api-parts.ts';
import { InputWindow } from './input-window.ts';
import { requireConditions, resolveQuery } from './resolve-tasks.ts';
import { latestAttempt } from './task-progress.ts';
import { hasStarted, untilTask } from './until-task.ts';

type Parts = Pick<ApiParts, 'store' | 'dispatch' | 'clock'>;

/** Who gives input to whom. */
export interface InputOrder {
  readonly tasks: readonly Task[];
  /** Where the caller begins; undefined means where the only task's input is. */
  readonly from: bigint | undefined;
}

/** The most that a terminal's size may be. */
const sizeMax = 0xffff;

/**
 * The tasks that a target means and that have not ended.
 *
 * @throws RefusedError INVALID, and as resolveQuery.
 */
export async function resolveInput(
  { store }: Parts,
  operator: Operator,
  target: InputTarget | undefined,
): Promise<InputOrder> {
  if (!target) throw new RefusedError('INVALID', 'the first message names no tasks to give input to');
  const query = requireConditions(target.query, 'give input to');
  const { filter } = await resolveQuery(store.read, operator, query);
  const selected = await store.read.selectTasks(filter);
  const tasks = selected.filter((task) => task.state !== TaskState.ENDED);
  if (target.fromHere && (tasks.length > 1 || target.offset !== 0n)) {
    throw new RefusedError('INVALID', 'input goes on where it is only for one task, and without an offset');
  }
  return { tasks, from: target.fromHere ? undefined : target.offset };
}

/** Records who gives input to which tasks. */
export async function auditInput(
  { store, clock }: Parts,
  operator: Operator,
  { tasks, from }: InputOrder,
): Promise<void> {
  const record = auditRecord({
    atMs: clock.wallMs(),
    who: operator.name,
    verb: hasTerminal(tasks) ? Verb.SHELL_OPEN : Verb.TASK_LAUNCH,
    decision: 'allowed',
    ...aboutTasks(tasks),
    request: { method: 'WriteInput', offset: from === undefined ? 'here' : `${from}` },
  });
  await store.transact((writer) => writer.insertAudit(record));
}

/** Whether people type into one of them. */
export function hasTerminal(tasks: readonly Task[]): boolean {
  return tasks.some(({ spec }) => spec?.terminal !== undefined);
}

/**
 * Gives what `requests` brings to the tasks, until each has taken all or takes no more.
 *
 * @param requests what follows the first one.
 * @throws RefusedError INVALID for what makes no sense; the reason of `signal`.
 */
export async function* writeInput(
  parts: Parts,
  { tasks, from }: InputOrder,
  requests: AsyncIterator<WriteInputRequest>,
  signal: AbortSignal,
): AsyncGenerator<WriteInputResponse, void, undefined> {
  const over = new AbortController();
  const abort = AbortSignal.any([signal, over.signal]);
  const window = new InputWindow(from);
  let refused: InputRefusal[] = [];
  let active = tasks.length;
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    over.abort();
  };
  for (const task of tasks) {
    const cursor = window.open();
    void supply(parts, task, cursor, abort)
      .then((refusal) => {
        if (refusal) refused.push(refusal);
      }, fail)
      .finally(() => {
        active -= 1;
        window.close(cursor);
      });
  }
  void take(requests, window, abort).catch(fail);
  try {
    for (let told: bigint | undefined; ; ) {
      const { progress, taken } = window;
      if (failure) throw failure.error;
      if (taken !== told || refused.length > 0) {
        told = taken;
        const news = refused;
        refused = [];
        yield create(WriteInputResponseSchema, { taken: taken ?? from ?? 0n, refused: news });
      } else if (active === 0) return;
      else await progress;
    }
  } finally {
    over.abort();
  }
}

/** Gives one task its input. @returns why it takes no more, unless it has taken all. @throws what is no refusal. */
async function supply(
  { dispatch, store }: Parts,
  task: Task,
  cursor: ReturnType<InputWindow['open']>,
  abort: AbortSignal,
): Promise<InputRefusal | undefined> {
  const { id: taskId, node } = task;
  using ending = whenEnded(dispatch, taskId, abort);
  try {
    const started = await untilTask({ store, dispatch }, task, hasStarted, abort);
    const attempt = latestAttempt(started);
    if (attempt > 0 && started.state !== TaskState.ENDED) {
      await dispatch.giveInput(started, attempt, cursor, ending.signal);
    }
    return cursor.isServed ? undefined : create(InputRefusalSchema, { taskId, node });
  } catch (error) {
    abort.throwIfAborted();
    if (ending.signal.aborted) return create(InputRefusalSchema, { taskId, node });
    if (!(error instanceof NodeRefusedError)) throw error;
    return create(InputRefusalSchema, { taskId, node, reason: error.message });
  }
}

/** Aborts when the task has ended, or with `abort`. */
function whenEnded(
  dispatch: Parts['dispatch'],
  taskId: string,
  abort: AbortSignal,
): Disposable & { readonly signal: AbortSignal } {
  const ended = new AbortController();
  const listening = dispatch.onTaskChange((task) => {
    if (task.id === taskId && task.state === TaskState.ENDED) ended.abort();
  });
  return {
    signal: AbortSignal.any([abort, ended.signal]),
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  };
}

/** Puts what the caller sends into the window. */
async function take(
  requests: AsyncIterator<WriteInputRequest>,
  window: InputWindow,
  abort: AbortSignal,
): Promise<void> {
  for (let step = await requests.next(); !step.done; step = await requests.next()) {
    const { kind } = step.value;
    switch (kind.case) {
      case 'data':
        if (kind.value.length > limits.inputChunkBytesMax) {
          throw new RefusedError('INVALID', `${kind.value.length} bytes of input at once are too much`);
        }
        if (window.isEnded) throw new RefusedError('INVALID', 'input came behind its end');
        await window.put(kind.value, abort);
        break;
      case 'end':
        window.finish();
        break;
      case 'resize': {
        const { rows, columns } = kind.value;
        if ([rows, columns].some((n) => n < 1 || n > sizeMax)) {
          throw new RefusedError('INVALID', `no terminal has ${rows} rows of ${columns} columns`);
        }
        window.resize(kind.value);
        break;
      }
      case 'detach':
        window.detach();
        break;
      default:
        throw new RefusedError('INVALID', 'a message after the first names tasks, or says nothing');
    }
  }
  window.leave();
}
