import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type LogRequest, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import type { Store } from '#controller/store/store.ts';
import { ReadLogsRequestSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import {
  AttemptSchema,
  type LogChunk,
  LogChunkSchema,
  type Task,
  TaskSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { readTaskLog } from './read-task-log.ts';
import { FakeDispatch } from './testing/fake-dispatch.ts';

const { RUNNING, WAITING, ENDED, PENDING } = TaskState;
const never = new AbortController().signal;

function task(state: TaskState, ...attempts: number[]): Task {
  const made = attempts.map((number, i) =>
    create(AttemptSchema, {
      number,
      state: i === attempts.length - 1 && state === RUNNING ? RUNNING : ENDED,
    }),
  );
  return create(TaskSchema, { id: 'taskaaaaaa', node: 'n1', state, attempts: made });
}

/** A task that the store has, whose attempts print their numbers. */
function place(now: Task, refuse?: number) {
  const dispatch = new FakeDispatch();
  const requests: LogRequest[] = [];
  dispatch.logs.set(now.id, async function* (_abort, request) {
    requests.push(request);
    const { attempt } = request;
    if (attempt === refuse) throw new NodeRefusedError(`attempt ${attempt} is gone`);
    yield create(LogChunkSchema, { taskId: now.id, attempt, data: Buffer.from(`${attempt}`) });
    if (request.times) yield create(LogChunkSchema, { taskId: now.id, attempt, caughtUp: true });
  });
  const state = { task: now };
  const read = { getTasks: async () => [state.task] } as Partial<Store['read']>;
  const change = (changed: Task) => {
    state.task = changed;
    dispatch.changeTask(changed);
  };
  const parts = { dispatch, store: { read } as Store };
  const start = (init: MessageInitShape<typeof ReadLogsRequestSchema>, abort = never) =>
    readTaskLog(parts, now, create(ReadLogsRequestSchema, init), abort);
  return { start, change, requests, dispatch };
}

function word({ attempt, data, caughtUp }: LogChunk): string {
  return caughtUp ? `caught up in ${attempt}` : Buffer.from(data).toString();
}

async function words(chunks: AsyncIterable<LogChunk>): Promise<string[]> {
  const all: string[] = [];
  for await (const chunk of chunks) all.push(word(chunk));
  return all;
}

it('readTaskLog() reads the latest attempt, one that is named, or every one', async () => {
  const cases: [MessageInitShape<typeof ReadLogsRequestSchema>, string[]][] = [
    [{}, ['3']],
    [{ attempt: 2 }, ['2']],
    [{ fromAttempt: 1 }, ['1', '2', '3']],
    [{ fromAttempt: 1, inTimeOrder: true }, ['1', '2', '3', 'caught up in 3']],
    [{ fromAttempt: 2 }, ['2', '3']],
    [{ fromAttempt: 4 }, []],
    [{ follow: true, inTimeOrder: true }, ['3', 'caught up in 3']],
  ];
  for (const [init, expected] of cases) {
    assert.deepEqual(await words(place(task(ENDED, 1, 2, 3)).start(init)), expected);
  }
  assert.deepEqual(await words(place(task(ENDED)).start({ fromAttempt: 1 })), []);
  await assert.rejects(words(place(task(ENDED, 1, 2)).start({ attempt: 3, follow: true })), {
    name: 'NodeRefusedError',
    message: 'task taskaaaaaa has no attempt 3',
  });
  assert.deepEqual(await words(place(task(ENDED, 1, 100)).start({ attempt: 50 })), ['50']);
});

it('readTaskLog() hands on what is asked, to a later attempt only what makes sense of it', async () => {
  const { start, change, requests } = place(task(RUNNING, 1));
  const [since, until] = [timestampFromMs(5), timestampFromMs(9)];
  const where = { stdoutOffset: 7n, stderrOffset: 8n, tailLines: 9 };
  const chunks = start({ follow: true, since, until, inTimeOrder: true, ...where });
  await chunks.next();
  change(task(ENDED, 1, 2));
  await words(chunks);
  const [first, second] = requests;
  assert.deepEqual(first, {
    attempt: 1,
    source: 0,
    follow: true,
    since,
    until,
    times: true,
    interactive: false,
    ...where,
  });
  assert.deepEqual(second, { ...first, attempt: 2, stdoutOffset: 0n, stderrOffset: 0n, tailLines: 0 });
});

it('readTaskLog() with follow goes on with the attempts that come, until the task has ended', async () => {
  const { start, change, dispatch } = place(task(PENDING));
  const chunks = start({ follow: true, inTimeOrder: true });
  // Nothing was there: nobody has to wait for it.
  assert.equal(word((await chunks.next()).value as LogChunk), 'caught up in 0');
  const first = chunks.next();
  change(task(RUNNING, 1));
  assert.equal(word((await first).value as LogChunk), '1');
  const second = chunks.next();
  change(task(WAITING, 1));
  change(task(RUNNING, 1, 2));
  assert.equal(word((await second).value as LogChunk), '2');
  const third = chunks.next();
  change(task(ENDED, 1, 2, 3));
  assert.equal(word((await third).value as LogChunk), '3');
  assert.equal((await chunks.next()).done, true);
  assert.equal(dispatch.listeners, 0);
});

it('readTaskLog() with follow of one attempt ends with it', async () => {
  const { start, change } = place(task(RUNNING, 1));
  const chunks = start({ follow: true, attempt: 2 });
  const first = chunks.next();
  change(task(RUNNING, 1, 2));
  assert.equal(word((await first).value as LogChunk), '2');
  assert.equal((await chunks.next()).done, true);
});

it('readTaskLog() goes on behind an attempt that cannot be read, and says so at the end', async () => {
  const { start } = place(task(ENDED, 1, 2), 1);
  const chunks = start({ fromAttempt: 1 });
  assert.equal(word((await chunks.next()).value as LogChunk), '2');
  await assert.rejects(chunks.next(), { name: 'NodeRefusedError', message: 'attempt 1 is gone' });
});

it('readTaskLog() stops waiting for an attempt when it is aborted', async () => {
  const { start, dispatch } = place(task(WAITING, 1));
  const abort = new AbortController();
  const chunks = start({ follow: true }, abort.signal);
  await chunks.next();
  const next = chunks.next();
  abort.abort(new Error('enough'));
  await assert.rejects(next, { message: 'enough' });
  assert.equal(dispatch.listeners, 0);
});
