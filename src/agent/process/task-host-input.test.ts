import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Inbox } from '#agent/testing/inbox.ts';
import { RefusedOrderError } from '#agent/workload.ts';
import {
  type InputFrame,
  InputFrameSchema,
  OpenInputSchema,
  OpenLogSchema,
} from '#protocol/gen/drover/v1/link_pb.ts';
import { Cause, LogSource, StdinMode, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { newTask, output, sh, TaskNode, untilOutput, words } from '#test/fixture/task-node.ts';
import { hangupDelayMs } from './hangup-delay.ts';
import type { TaskHost } from './task-host.ts';

const stream = { stdin: StdinMode.STREAM };
const terminal = { terminal: { rows: 30, columns: 100 } };

type Kind = NonNullable<MessageInitShape<typeof InputFrameSchema>['kind']>;

/** Somebody who gives input to a task. */
class Giver {
  /** Offsets that were taken; undefined when no more are. */
  readonly takens = new Inbox<bigint | undefined>();
  readonly done: Promise<void>;
  readonly #frames = new Inbox<InputFrame | 'end'>();
  readonly #abort = new AbortController();

  constructor(host: TaskHost, taskId: string) {
    const order = create(OpenInputSchema, { taskId });
    this.done = this.#run(host.takeInput(order, this.#read(), this.#abort.signal));
    this.done.catch(() => {});
  }

  say(kind: Kind): void {
    this.#frames.put(create(InputFrameSchema, { kind }));
  }

  data(offset: bigint, data: Uint8Array | string): void {
    this.say({ case: 'data', value: { offset, data: Buffer.from(data) } });
  }

  leave(): void {
    this.#frames.put('end');
  }

  async untilTaken(offset: bigint): Promise<void> {
    while ((await this.takens.next()) !== offset);
  }

  async #run(takens: AsyncIterable<bigint>): Promise<void> {
    for await (const taken of takens) this.takens.put(taken);
  }

  async *#read(): AsyncGenerator<InputFrame> {
    for (;;) {
      const frame = await this.#frames.next();
      if (frame === 'end') return;
      yield frame;
    }
  }
}

test('TaskHost.takeInput() gives a task every byte, waits for its start, and ends its input', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec sha256sum', stream));
  const giver = new Giver(host, task);
  const bytes = randomBytes(limits.inputChunkBytesMax * 20);
  for (let at = 0; at < bytes.length; at += limits.inputChunkBytesMax) {
    giver.data(BigInt(at), bytes.subarray(at, at + limits.inputChunkBytesMax));
  }
  giver.data(0n, 'what was taken is passed over');
  giver.say({ case: 'endAt', value: BigInt(bytes.length) });
  await giver.done;
  assert.equal(words(await node.until(task, TaskState.ENDED)), 'exit 0');
  const sum = createHash('sha256').update(bytes).digest('hex');
  assert.equal(await output(host, task, LogSource.STDOUT), `${sum}  -\n`);
});

test('TaskHost.takeInput() of a terminal: keys, size, and on where it was over a restart', async (t) => {
  const node = await TaskNode.make(t);
  const first = await node.open();
  const task = newTask();
  const reading = 'while [ "$x" != four ]; do read x && echo "got $x"; done';
  const script = `stty -echo; stty size; trap "stty size" WINCH; ${reading}`;
  first.start(sh(task, script, terminal));
  await untilOutput(first, task, '30 100');
  const giver = new Giver(first, task);
  giver.data(0n, 'one\n');
  await untilOutput(first, task, 'got one');
  giver.say({ case: 'resize', value: { rows: 50, columns: 132 } });
  await untilOutput(first, task, '50 132');
  await node.close();
  await giver.done;

  const second = await node.open();
  const again = new Giver(second, task);
  assert.equal(await again.takens.next(), 4n);
  again.data(0n, 'one\ntwo\n');
  await untilOutput(second, task, 'got two');
  again.data(8n, 'three\nfour\n');
  await again.done;
  assert.equal(words(await node.until(task, TaskState.ENDED)), 'exit 0');
  const text = await output(second, task, LogSource.STDOUT);
  assert.deepEqual(text.match(/got \w+/g)?.at(-1), 'got four');
  assert.equal(text.match(/got one/g)?.length, 1);
});

test('TaskHost.takeInput() says what takes no input, and who has lost it', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const [plain, lost] = [newTask(), newTask()];
  host.start(sh(plain, 'sleep 100'));
  host.start(sh(lost, 'trap "" HUP; echo on; sleep 100', terminal));
  await untilOutput(host, lost, 'on');
  const refused = async (task: string, reason: RegExp) =>
    assert.rejects(new Giver(host, task).done, (error) => {
      assert.ok(error instanceof RefusedOrderError);
      assert.match(error.message, reason);
      return true;
    });
  await refused('nobody0000', /task nobody0000 does not run here/);
  await refused(plain, /task \w+ takes no input/);
  const nonsense = new Giver(host, lost);
  nonsense.say({ case: 'resize', value: { rows: 0, columns: 9 } });
  await assert.rejects(nonsense.done, /nonsense: a size of 0 x 9/);

  const open = new Giver(host, lost);
  await open.untilTaken(0n);
  process.kill(await monitorOf((await node.until(lost, TaskState.RUNNING)).pid), 'SIGKILL');
  await assert.rejects(open.done, /task \w+ has lost its input: the process that held it was killed/);
  await refused(lost, /has lost its input/);
  await host.stop(lost, 1, Cause.OPERATOR);
  await node.until(lost, TaskState.ENDED);
  await refused(lost, /does not run here/);
});

test('TaskHost hangs a terminal up that nobody is at, unless somebody wanted it to stay', async (t) => {
  const node = await TaskNode.make(t);
  const first = await node.open();
  const [left, stays] = [newTask(), newTask()];
  const spec = { terminal: { hangupAfterMs: 1n } };
  first.start(sh(stays, 'read x; exit 5', spec));
  const person = new Giver(first, stays);
  await person.untilTaken(0n);
  const session = first.linked();
  person.say({ case: 'detach', value: true });
  await person.done;
  first.start(sh(left, 'sleep 100', spec));
  const ended = await node.until(left, TaskState.ENDED);
  assert.deepEqual([words(ended), ended.cause], ['SIGHUP', Cause.TIMEOUT]);
  assert.match(
    node.ofTask(left).find(({ reason }) => reason !== '')?.reason ?? '',
    /nobody was at its terminal any more/,
  );
  session[Symbol.dispose]();
  await node.close();

  const second = await node.open();
  const third = newTask();
  second.start(sh(third, 'sleep 100', spec));
  await node.until(third, TaskState.RUNNING);
  using _session = second.linked();
  await node.until(third, TaskState.ENDED); // by then the other one would have ended too
  const back = new Giver(second, stays);
  back.data(0n, '\n');
  assert.equal(words(await node.until(stays, TaskState.ENDED)), 'exit 5');
  await back.done;
});

test('hangupDelayMs() counts only while nobody is there who could be, and who did not ask it to stay', () => {
  const presence = { hangupAfterMs: 60_000, runs: true, people: 0, stays: false, linked: true };
  assert.equal(hangupDelayMs(presence), 60_000);
  for (const change of [
    { hangupAfterMs: 0 },
    { runs: false },
    { people: 1 },
    { stays: true },
    { linked: false },
  ]) {
    assert.equal(hangupDelayMs({ ...presence, ...change }), undefined, JSON.stringify(change));
  }
});

test('TaskHost.readLog() for a person holds the task up who reads slowly', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'stty raw -echo; echo go; read x; head -c 2000000 /dev/zero | tr "\\0" x', terminal));
  await untilOutput(host, task, 'go');
  const order = create(OpenLogSchema, {
    taskId: task,
    source: LogSource.STDOUT,
    follow: true,
    interactive: true,
  });
  const chunks = host.readLog(order, new AbortController().signal)[Symbol.asyncIterator]();
  await chunks.next();
  const giver = new Giver(host, task);
  giver.data(0n, '\n');
  const file = join(node.directory, 'tasks', `${task}.1`, 'stdout');
  while ((await stat(file)).size < limits.terminalAheadBytes);
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok((await stat(file)).size < limits.terminalAheadBytes + (192 << 10));
  let read = 3;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) read += next.value.data.length;
  assert.equal(read, 2_000_003);
  assert.equal(words(await node.until(task, TaskState.ENDED)), 'exit 0');
});

test('TaskHost.readLog() at the other end of pipes gets every byte, however slow it is, and holds the task up', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  const script = 'head -c 1500000 /dev/zero | tr "\\0" o; head -c 400000 /dev/zero | tr "\\0" e >&2';
  host.start(sh(task, script, { pipes: {} }));
  const file = join(node.directory, 'tasks', `${task}.1`, 'stdout');
  const size = async () => (await stat(file).catch(() => undefined))?.size ?? 0;
  while ((await size()) < limits.terminalAheadBytes);
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok((await size()) < limits.terminalAheadBytes + (192 << 10), 'held up before anybody reads');
  const order = create(OpenLogSchema, { taskId: task, follow: true, interactive: true });
  const read = { [LogSource.STDOUT]: 0, [LogSource.STDERR]: 0 };
  for await (const { source, data } of host.readLog(order, new AbortController().signal)) {
    read[source as keyof typeof read] += data.length;
  }
  assert.deepEqual(read, { [LogSource.STDOUT]: 1_500_000, [LogSource.STDERR]: 400_000 });
  assert.equal(words(await node.until(task, TaskState.ENDED)), 'exit 0');
});

test('TaskHost cuts pipes that nobody reads or writes', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const spec = { pipes: { hangupAfterMs: 1n } };
  using _session = host.linked();
  const [writes, waits] = [newTask(), newTask()];
  host.start(sh(writes, 'trap "" HUP; yes; exit 7', spec));
  host.start(sh(waits, 'exec sleep 100', spec));
  assert.equal(words(await node.until(writes, TaskState.ENDED)), 'exit 7');
  assert.equal(words(await node.until(waits, TaskState.ENDED)), 'SIGHUP');
});

test('TaskHost.takeInput() has one giver of a task, the latest', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec cat', stream));
  const first = new Giver(host, task);
  await first.untilTaken(0n);
  const second = new Giver(host, task);
  await assert.rejects(first.done, /somebody else gives it input now/);
  second.data(0n, 'x');
  second.say({ case: 'endAt', value: 1n });
  await second.done;
  assert.equal(words(await node.until(task, TaskState.ENDED)), 'exit 0');
});

async function monitorOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
}
