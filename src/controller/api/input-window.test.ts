import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { limits } from '#protocol/limits.ts';
import { type InputCursor, InputWindow } from './input-window.ts';

const never = new AbortController().signal;
const windowBytes = limits.inputWindowBytes;

const bytes = (text: string) => Buffer.from(text);

async function nextText(cursor: InputCursor): Promise<string> {
  const kind = await cursor.next(never);
  assert.equal(kind?.case, 'data');
  return kind?.case === 'data' ? `${kind.value.offset} ${Buffer.from(kind.value.data ?? []).toString()}` : '';
}

it('InputWindow gives each task everything, and then the end', async () => {
  const window = new InputWindow(0n);
  const [a, b] = [window.open(), window.open()];
  for (const cursor of [a, b]) cursor.begin(0n);
  await window.put(bytes('one'), never);
  await window.put(bytes('two'), never);
  window.finish();
  assert.equal(await nextText(a), '0 onetwo');
  assert.deepEqual(await a.next(never), { case: 'endAt', value: 6n });
  assert.equal(a.isServed, true);
  a.advance(6n);
  assert.equal(window.taken, 0n);
  assert.equal(await nextText(b), '0 onetwo');
  b.advance(4n);
  assert.equal(window.taken, 4n);
  window.close(b);
  assert.equal(window.taken, 6n);
});

it('InputWindow goes as fast as the slowest, and no faster than what it has taken', async () => {
  const window = new InputWindow(0n);
  const [fast, slow] = [window.open(), window.open()];
  for (const cursor of [fast, slow]) cursor.begin(0n);
  let put = 0;
  const piece = Buffer.alloc(limits.inputChunkBytesMax);
  const writer = (async () => {
    for (let i = 0; i < 8; i++) {
      await window.put(piece, never);
      put += piece.length;
    }
  })();
  let sent = 0n;
  while (sent < windowBytes) {
    const kind = await fast.next(never);
    assert.ok(kind?.case === 'data');
    sent += BigInt(kind.value.data?.length ?? 0);
    fast.advance(sent);
  }
  await new Promise(setImmediate);
  assert.equal(put, windowBytes);
  slow.advance(BigInt(piece.length));
  await new Promise(setImmediate);
  assert.equal(put, windowBytes + piece.length);
  window.close(slow);
  for (; sent < 8 * piece.length; fast.advance(sent)) {
    const kind = await fast.next(never);
    assert.ok(kind?.case === 'data');
    sent += BigInt(kind.value.data?.length ?? 0);
  }
  await writer;
});

it('InputWindow goes on where a task is: again after a cut, ahead of the writer, or where only the task knows', async () => {
  const window = new InputWindow(10n);
  const cursor = window.open();
  cursor.begin(10n);
  window.resize({ $typeName: 'drover.v1.TerminalSize', rows: 1, columns: 2 });
  await window.put(bytes('abcdef'), never);
  assert.equal((await cursor.next(never))?.case, 'resize');
  assert.equal(await nextText(cursor), '10 abcdef');
  cursor.begin(13n);
  assert.equal((await cursor.next(never))?.case, 'resize');
  assert.equal(await nextText(cursor), '13 def');
  cursor.begin(18n);
  assert.equal((await cursor.next(never))?.case, 'resize');
  await window.put(bytes('ghij'), never);
  assert.equal(await nextText(cursor), '18 ij');
  assert.throws(
    () => cursor.begin(9n),
    /it has lost input: it has taken 9 bytes, and those before 18 are gone/,
  );

  const here = new InputWindow(undefined);
  const only = here.open();
  assert.equal(here.taken, undefined);
  const put = here.put(bytes('x'), never);
  only.begin(7n);
  await put;
  assert.equal(here.taken, 7n);
  assert.equal(await nextText(only), '7 x');
  here.detach();
  assert.deepEqual(await only.next(never), { case: 'detach', value: true });
  here.leave();
  assert.equal(await only.next(never), undefined);
});

it('InputWindow lets nobody wait for ever: a writer without tasks, and whoever is aborted', async () => {
  const window = new InputWindow(0n);
  const cursor = window.open();
  await window.put(Buffer.alloc(windowBytes), never);
  const full = window.put(bytes('more'), never);
  window.close(cursor);
  await full;
  const abort = new AbortController();
  const other = new InputWindow(undefined);
  const waiting = other.open().next(abort.signal);
  const putting = other.put(bytes('x'), abort.signal);
  abort.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  await assert.rejects(putting, { name: 'AbortError' });
});

it('InputWindow keeps every byte in its place, whatever is cut when', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ put: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
      fc.record({ read: fc.nat(2), taken: fc.nat(30) }),
      fc.record({ cut: fc.nat(2) }),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const window = new InputWindow(0n);
      const written: number[] = [];
      const tasks = [0, 1, 2].map(() => ({ cursor: window.open(), got: [] as number[] }));
      for (const { cursor } of tasks) cursor.begin(0n);
      for (const step of all) {
        if ('put' in step) {
          await window.put(step.put, never);
          written.push(...step.put);
        } else if ('cut' in step) {
          const { cursor, got } = tasks[step.cut] ?? assert.fail();
          cursor.begin(BigInt(got.length));
        } else {
          const { cursor, got } = tasks[step.read] ?? assert.fail();
          if (got.length === written.length) continue;
          cursor.begin(BigInt(got.length));
          const kind = await cursor.next(never);
          assert.ok(kind?.case === 'data' && kind.value.offset === BigInt(got.length));
          got.push(...(kind.value.data ?? []).slice(0, step.taken));
          cursor.advance(BigInt(got.length));
        }
        assert.equal(window.taken, BigInt(Math.min(...tasks.map(({ got }) => got.length))));
      }
      for (const { got } of tasks) assert.deepEqual(got, written.slice(0, got.length));
    }),
  );
});
