import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { connectCluster } from '#cli/connect-cluster.ts';
import { type FakeApi, refusal, startFakeApi } from '#cli/testing/fake-api.ts';
import {
  type InputTarget,
  TaskService,
  type WriteInputRequest,
  type WriteInputResponse,
  WriteInputResponseSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { limits } from '#protocol/limits.ts';
import { InputWriter } from './input-writer.ts';

type Kind = WriteInputRequest['kind'];

/** One call of WriteInput: what came, and up to where the test says that it was taken. */
class Call {
  readonly target: InputTarget;
  readonly kinds: Kind[] = [];
  readonly #answers: (WriteInputResponse | 'end')[] = [];
  #news = Promise.withResolvers<void>();

  constructor(target: InputTarget) {
    this.target = target;
  }

  /** Bytes that came. */
  get text(): string {
    const pieces = this.kinds.map((kind) => (kind.case === 'data' ? kind.value : new Uint8Array()));
    return Buffer.concat(pieces).toString();
  }

  hear(kind: Kind): void {
    this.kinds.push(kind);
    this.#wake();
  }

  answer(init: { taken: bigint; refused?: { node: string; reason: string }[] } | 'end'): void {
    this.#answers.push(init === 'end' ? 'end' : create(WriteInputResponseSchema, init));
    this.#wake();
  }

  async until(holds: (call: Call) => boolean): Promise<void> {
    while (!holds(this)) await this.#news.promise;
  }

  async *answers(): AsyncGenerator<WriteInputResponse> {
    for (;;) {
      const [answer] = this.#answers.splice(0, 1);
      if (answer === 'end') return;
      if (answer) yield answer;
      else await this.#news.promise;
    }
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

/** An API that leaves what becomes of input to the test. */
async function withWriter(
  body: (parts: {
    api: FakeApi;
    writer: InputWriter;
    next: () => Promise<Call>;
    refused: string[];
  }) => Promise<void>,
  fromHere = false,
): Promise<void> {
  const calls: Call[] = [];
  let news = Promise.withResolvers<void>();
  await using api = await startFakeApi((router) => {
    router.service(TaskService, {
      async *writeInput(requests) {
        const messages = requests[Symbol.asyncIterator]();
        const { value } = await messages.next();
        assert.ok(value?.kind.case === 'target');
        const call = new Call(value.kind.value);
        calls.push(call);
        news.resolve();
        news = Promise.withResolvers();
        const reading = (async () => {
          for (let step = await messages.next(); !step.done; step = await messages.next())
            call.hear(step.value.kind);
          call.hear({ case: undefined });
        })();
        reading.catch(() => {});
        yield* call.answers();
      },
    });
  });
  using connection = connectCluster(api.access);
  const over = new AbortController();
  const refused: string[] = [];
  const writer = new InputWriter(connection, {
    query: { refs: ['t'] },
    fromHere,
    clock: systemClock,
    abort: over.signal,
    onRefused: ({ node, reason }) => refused.push(`${node}: ${reason}`),
  });
  const next = async () => {
    for (;;) {
      const [call] = calls.splice(0, 1);
      if (call) return call;
      await news.promise;
    }
  };
  try {
    await body({ api, writer, next, refused });
  } finally {
    over.abort();
    await writer.done.catch(() => {});
  }
}

test('InputWriter sends what is written, then the end, and is done when the tasks are', async () => {
  await withWriter(async ({ writer, next, refused }) => {
    await writer.write(Buffer.from('one'));
    const call = await next();
    assert.deepEqual([call.target.offset, call.target.fromHere, call.target.query?.refs], [0n, false, ['t']]);
    call.answer({ taken: 0n });
    await call.until(({ text }) => text === 'one');
    await writer.write(Buffer.from('two'));
    writer.end();
    await call.until(({ kinds }) => kinds.some((kind) => kind.case === 'end'));
    assert.equal(call.text, 'onetwo');
    call.answer({
      taken: 6n,
      refused: [
        { node: 'n1', reason: 'it has lost its input' },
        { node: 'n2', reason: '' },
      ],
    });
    call.answer('end');
    await writer.done;
    assert.deepEqual(refused, ['n1: it has lost its input']);
    await writer.write(Buffer.from('nobody takes it'));
  });
});

test('InputWriter goes on with what was not taken when the controller is back', async () => {
  await withWriter(async ({ api, writer, next }) => {
    writer.resize({ rows: 5, columns: 6 });
    await writer.write(Buffer.from('abcdef'));
    const first = await next();
    first.answer({ taken: 2n });
    await first.until(({ text }) => text === 'abcdef');
    first.answer({ taken: 4n });
    await writer.write(Buffer.from('gh'));
    await first.until(({ text }) => text === 'abcdefgh');
    api.cut();
    const second = await next();
    assert.ok(second.target.offset === 4n || second.target.offset === 2n);
    second.answer({ taken: 4n });
    await second.until(({ text }) => text.endsWith('gh'));
    const resent = 'abcdefgh'.slice(Number(second.target.offset));
    assert.equal(second.text, resent);
    assert.equal(second.kinds[0]?.case, 'resize');
    second.answer('end');
    await writer.done;
  });
});

test('InputWriter that begins where the task is sends nothing before it knows where that is', async () => {
  await withWriter(async ({ writer, next }) => {
    await writer.write(Buffer.from('typed'));
    const call = await next();
    assert.deepEqual([call.target.offset, call.target.fromHere], [0n, true]);
    writer.resize({ rows: 5, columns: 6 });
    await call.until(({ kinds }) => kinds.length === 1);
    assert.equal(call.text, '');
    call.answer({ taken: 700n });
    await call.until(({ text }) => text === 'typed');
    call.answer({ taken: 705n });
    writer.detach();
    await call.until(({ kinds }) => kinds.at(-1)?.case === undefined);
    assert.equal(call.kinds.at(-2)?.case, 'detach');
    call.answer('end');
    await writer.done;
  }, true);
});

test('InputWriter holds no more than a window, and lets its writer wait', async () => {
  await withWriter(async ({ writer, next }) => {
    const piece = Buffer.alloc(limits.inputChunkBytesMax);
    let written = 0;
    const writing = (async () => {
      for (let i = 0; i < 40; i++) {
        await writer.write(piece);
        written += piece.length;
      }
    })();
    const call = await next();
    call.answer({ taken: 0n });
    const held = 4 * limits.inputWindowBytes;
    await call.until(({ text }) => text.length >= held);
    assert.equal(written, held - piece.length);
    for (let taken = piece.length; taken <= 40 * piece.length; taken += piece.length) {
      call.answer({ taken: BigInt(taken) });
      await call.until(({ text }) => text.length >= Math.min(held + taken, 40 * piece.length) - piece.length);
    }
    await writing;
  });
});

test('InputWriter is done with what the API refuses', async () => {
  await using api = await startFakeApi((router) => {
    router.service(TaskService, {
      // biome-ignore lint/correctness/useYield: it refuses
      async *writeInput() {
        throw refusal('DENIED', 'you may not');
      },
    });
  });
  using connection = connectCluster(api.access);
  const writer = new InputWriter(connection, {
    query: { refs: ['t'] },
    fromHere: false,
    clock: systemClock,
    abort: new AbortController().signal,
    onRefused: () => {},
  });
  await assert.rejects(writer.done, /you may not/);
  await writer.write(Buffer.alloc(10 << 20));
});
