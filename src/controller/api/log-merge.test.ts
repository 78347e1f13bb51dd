import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { FakeClock } from '#base/clock.ts';
import { type LogChunk, LogChunkSchema, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { mergeLogs } from './log-merge.ts';

const waitMs = 5_000;

function chunk(taskId: string, text: string, timeMs?: number): LogChunk {
  return create(LogChunkSchema, {
    taskId,
    source: LogSource.STDOUT,
    data: Buffer.from(text),
    ...(timeMs !== undefined && { writtenAt: timestampFromMs(timeMs) }),
  });
}

function caughtUp(taskId: string): LogChunk {
  return create(LogChunkSchema, { taskId, caughtUp: true });
}

/** A task's output that a test hands on, chunk by chunk. */
class Feed implements AsyncIterable<LogChunk> {
  readonly #given: (LogChunk | undefined)[] = [];
  #wake = () => {};
  closed = false;

  give(...chunks: (LogChunk | undefined)[]): this {
    this.#given.push(...chunks);
    this.#wake();
    return this;
  }

  /** Nothing more comes. */
  end(): this {
    return this.give(undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LogChunk> {
    try {
      for (;;) {
        while (this.#given.length === 0) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        const next = this.#given.shift();
        if (!next) return;
        yield next;
      }
    } finally {
      this.closed = true;
    }
  }
}

/** Merges; `sent` grows as it goes on. */
function merge(feeds: readonly AsyncIterable<LogChunk>[]) {
  const clock = new FakeClock();
  const sent: LogChunk[] = [];
  const put = async (one: LogChunk) => void sent.push(one);
  return { clock, sent, done: mergeLogs(feeds, { clock, waitMs, put }) };
}

function words(chunks: readonly LogChunk[]): string[] {
  return chunks.map((one) => {
    const text = one.caughtUp ? 'caught up' : Buffer.from(one.data).toString();
    return `${one.taskId} ${text}${one.late ? ' (late)' : ''}`;
  });
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

it('mergeLogs() gives what sorting all of it by time would, each task in its order', async () => {
  const task = fc.array(fc.record({ laterMs: fc.nat(20), known: fc.boolean() }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.array(task, { maxLength: 6 }), async (tasks) => {
      const all: { readonly task: number; readonly timeMs: number; readonly text: string }[] = [];
      const feeds = tasks.map((steps, number) => {
        const feed = new Feed();
        let timeMs = 1_000;
        let lastMs = 0;
        for (const [i, { laterMs, known }] of steps.entries()) {
          timeMs += laterMs;
          // One whose time is not known stays with the one before it.
          if (known) lastMs = timeMs;
          all.push({ task: number, timeMs: lastMs, text: `${number} ${i}` });
          feed.give(chunk(`${number}`, `${i}`, known ? timeMs : undefined));
        }
        return feed.end();
      });
      const { sent, done } = merge(feeds);
      await done;
      const sorted = all.toSorted((a, b) => a.timeMs - b.timeMs || a.task - b.task);
      assert.deepEqual(
        words(sent),
        sorted.map(({ text }) => text),
      );
      assert.ok(feeds.every(({ closed }) => closed));
    }),
    { numRuns: 200 },
  );
});

it('mergeLogs() sends as it comes what comes after all have caught up', async () => {
  const [a, b] = [new Feed(), new Feed()];
  const { sent, done } = merge([a, b]);
  a.give(chunk('a', '1', 10), caughtUp('a'), chunk('a', '2', 500));
  await settled();
  assert.deepEqual(words(sent), []);
  b.give(chunk('b', '1', 20), chunk('b', '2', 30));
  await settled();
  assert.deepEqual(words(sent), ['a 1', 'b 1', 'b 2']);
  b.give(caughtUp('b'));
  await settled();
  assert.deepEqual(words(sent).slice(3).sort(), ['a 2', 'a caught up', 'b caught up']);
  b.give(chunk('b', '3', 40));
  await settled();
  a.give(chunk('a', '3', 35));
  a.end();
  b.end();
  await done;
  assert.deepEqual(words(sent).slice(6), ['b 3', 'a 3']);
});

it('mergeLogs() waits for one that gives nothing, but not for ever, and then says that it is late', async () => {
  const [a, b] = [new Feed(), new Feed()];
  const { clock, sent, done } = merge([a, b]);
  a.give(chunk('a', '1', 10), chunk('a', '2', 20)).end();
  await settled();
  await clock.advance(waitMs - 1);
  assert.deepEqual(words(sent), []);
  await clock.advance(1);
  await settled();
  assert.deepEqual(words(sent), ['a 1', 'a 2']);
  b.give(chunk('b', '1', 5), caughtUp('b')).end();
  await done;
  assert.deepEqual(words(sent).slice(2), ['b 1 (late)', 'b caught up']);
});

it('mergeLogs() fails with what one of them throws, and lets go of the others', async () => {
  const other = new Feed().give(chunk('b', '1', 10), chunk('b', '2', 20));
  const broken = {
    async *[Symbol.asyncIterator](): AsyncGenerator<LogChunk> {
      yield chunk('a', '1', 1);
      throw new Error('broken');
    },
  };
  const { done } = merge([broken, other]);
  await assert.rejects(done, { message: 'broken' });
  other.give(chunk('b', '3', 30));
  await settled();
  assert.equal(other.closed, true);
});

it('mergeLogs() sends nothing while its reader takes nothing', async () => {
  const feed = new Feed().give(chunk('a', '1', 10), chunk('a', '2', 20), chunk('a', '3', 30)).end();
  const gate = Promise.withResolvers<void>();
  const sent: number[] = [];
  const put = async (one: LogChunk) => {
    sent.push(one.writtenAt ? timestampMs(one.writtenAt) : 0);
    await gate.promise;
  };
  const done = mergeLogs([feed], { clock: new FakeClock(), waitMs, put });
  await settled();
  assert.deepEqual(sent, [10]);
  gate.resolve();
  await done;
  assert.deepEqual(sent, [10, 20, 30]);
});
