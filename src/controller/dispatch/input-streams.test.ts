import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InputKind, type InputSupply, NodeRefusedError } from './dispatch.ts';
import { withTask } from './testing/dispatch-fixture.ts';
import type { TestAgent } from './testing/test-agent.ts';

const never = new AbortController().signal;

/** Input that a test gives: "end" is the writer's leaving. */
class TestSupply implements InputSupply {
  /** Offsets, in the order in which they were told. */
  readonly told: string[] = [];
  readonly #kinds: (InputKind | 'left')[] = [];
  #news = Promise.withResolvers<void>();

  constructor(...kinds: (InputKind | 'left')[]) {
    this.give(...kinds);
  }

  give(...kinds: (InputKind | 'left')[]): void {
    this.#kinds.push(...kinds);
    this.#wake();
  }

  begin(taken: bigint): void {
    if (taken === 666n) throw new NodeRefusedError('it has lost input');
    this.told.push(`begin ${taken}`);
    this.#wake();
  }

  advance(taken: bigint): void {
    this.told.push(`${taken}`);
    this.#wake();
  }

  /** Until the task was told to have taken so much. */
  async until(told: string): Promise<void> {
    while (!this.told.includes(told)) await this.#news.promise;
  }

  async next(abort: AbortSignal): Promise<InputKind | undefined> {
    abort.addEventListener('abort', () => this.#wake(), { once: true });
    for (;;) {
      abort.throwIfAborted();
      const [kind] = this.#kinds.splice(0, 1);
      if (kind) return kind === 'left' ? undefined : kind;
      await this.#news.promise;
    }
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

function data(offset: bigint, text: string): InputKind {
  return { case: 'data', value: { offset, data: Buffer.from(text) } };
}

test('giveInput() sends what there is when the task has said where it is, until it takes no more', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const supply = new TestSupply(data(3n, 'abc'), { case: 'endAt', value: 6n });
  const given = fixture.dispatch.giveInput(task, 2, supply, never);
  const order = await agent.next('openInput');
  assert.deepEqual([order.taskId, order.attempt], [task.id, 2]);
  const pull = agent.pull(order.streamId);
  assert.equal(pull.waiting, 0);
  pull.taken(3n);
  const first = await pull.next();
  assert.ok(first !== 'end' && first.case === 'data');
  assert.deepEqual([first.value.offset, Buffer.from(first.value.data).toString()], [3n, 'abc']);
  assert.deepEqual(await pull.next(), { case: 'endAt', value: 6n });
  pull.taken(6n);
  pull.end();
  await given;
  assert.deepEqual(supply.told, ['begin 3', '6']);
  assert.equal(await pull.next(), 'end');
});

test('giveInput() ends the answer when the writer has left, and the agent its request', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const supply = new TestSupply('left');
  const given = fixture.dispatch.giveInput(task, 1, supply, never);
  const pull = agent.pull((await agent.next('openInput')).streamId);
  pull.taken(0n);
  assert.equal(await pull.next(), 'end');
  pull.end();
  await given;
});

test('giveInput() goes on over a new session from what was taken, and after one reset', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const supply = new TestSupply(data(0n, 'a'));
  const given = fixture.dispatch.giveInput(task, 1, supply, never);
  const first = agent.pull((await agent.next('openInput')).streamId);
  first.taken(0n);
  await first.next();
  await agent[Symbol.asyncDispose]();
  const again = await fixture.join('n1');
  const second = again.pull((await again.next('openInput')).streamId);
  second.taken(1n);
  await supply.until('begin 1');
  second.taken(2n);
  await supply.until('2');
  second.breakOff();
  const third = again.pull((await again.next('openInput')).streamId);
  third.taken(2n);
  third.end();
  await given;
  assert.deepEqual(supply.told, ['begin 0', 'begin 1', '2', 'begin 2']);
});

test('giveInput() rejects with what the node refuses, and with what makes no sense', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const refused = fixture.dispatch.giveInput(task, 1, new TestSupply(), never);
  const { streamId } = await agent.next('openInput');
  agent.send({ case: 'result', value: { commandId: streamId, error: 'it takes no input' } });
  await assert.rejects(refused, { name: 'NodeRefusedError', message: 'it takes no input' });

  const nonsense: [string, (pull: ReturnType<TestAgent['pull']>) => void][] = [
    [
      'the node sent nonsense: input taken up to byte 1 after byte 2',
      (pull) => [2n, 1n].forEach((n) => void pull.taken(n)),
    ],
    ['it has lost input', (pull) => pull.taken(666n)],
    ['the node broke off the input', (pull) => pull.breakOff()],
  ];
  for (const [message, act] of nonsense) {
    const given = fixture.dispatch.giveInput(task, 1, new TestSupply(), never);
    const result = assert.rejects(given, (error: Error) => {
      assert.equal(error.message, message);
      return true;
    });
    act(agent.pull((await agent.next('openInput')).streamId));
    if (message.includes('broke off')) act(agent.pull((await agent.next('openInput')).streamId));
    await result;
  }
});

test('giveInput() has one giver of a task, the latest, and leaves nothing when it is aborted', async () => {
  await using place = await withTask();
  const { fixture, agent, task } = place;
  const first = fixture.dispatch.giveInput(task, 1, new TestSupply(), never);
  const evicted = assert.rejects(first, { message: 'somebody else gives it input now' });
  const old = agent.pull((await agent.next('openInput')).streamId);
  old.taken(0n);
  const abort = new AbortController();
  const second = fixture.dispatch.giveInput(task, 1, new TestSupply(), abort.signal);
  await evicted;
  await new Promise((resolve) => old.stream.once('close', resolve));
  const pull = agent.pull((await agent.next('openInput')).streamId);
  pull.taken(0n);
  const aborted = assert.rejects(second, { name: 'AbortError' });
  abort.abort();
  await aborted;
  await new Promise((resolve) => pull.stream.once('close', resolve));
});
