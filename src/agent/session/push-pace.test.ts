import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { limits } from '#protocol/limits.ts';
import { fitWindow, PushPace } from './push-pace.ts';

/** A link that carries so many bytes in a millisecond, and takes `wayMs` there and back. */
function startLink(bytesPerMs: number, wayMs: number) {
  const clock = new FakeClock();
  let freeMs = clock.monotonicMs();
  const pace = new PushPace({
    clock,
    ping(answered) {
      clock.schedule(Math.max(0, freeMs - clock.monotonicMs()) + wayMs, answered);
    },
  });
  /** Pushes chunks for so long. Gives how long the last byte that was written has to wait at the most, milliseconds. */
  const push = async (ms: number, chunkBytes: number) => {
    const endMs = clock.monotonicMs() + ms;
    let [longestMs, isOver] = [0, false];
    const pushing = (async () => {
      while (!isOver) {
        await pace.admit();
        freeMs = Math.max(freeMs, clock.monotonicMs()) + chunkBytes / bytesPerMs;
        longestMs =
          clock.monotonicMs() > endMs - ms / 2 ? Math.max(longestMs, freeMs - clock.monotonicMs()) : 0;
        pace.sent(chunkBytes);
      }
    })();
    await clock.advance(0);
    await clock.advance(ms);
    isOver = true;
    await clock.advance(60_000);
    await pushing;
    return longestMs;
  };
  return { pace, push };
}

test('fitWindow() halves a window whose bytes wait, doubles one whose do not, and has its limits', () => {
  assert.equal(fitWindow(64 << 10, 1_000), 32 << 10);
  assert.equal(fitWindow(64 << 10, 200), 64 << 10);
  assert.equal(fitWindow(64 << 10, 0), 128 << 10);
  assert.equal(fitWindow(8 << 10, 1_000), 8 << 10);
  assert.equal(fitWindow(1 << 20, 0), limits.linkConnectionWindowBytes);
});

test('PushPace leaves a fast link its whole window, also one that is far away', async () => {
  for (const wayMs of [1, 300]) {
    const { pace, push } = startLink(100_000, wayMs);
    await push(5_000, 64 << 10);
    assert.equal(pace.window, limits.linkConnectionWindowBytes);
  }
});

test('PushPace has little under way on a slow link', async () => {
  const { push } = startLink(32, 50);
  const longestMs = await push(60_000, 16 << 10);
  assert.ok(longestMs > 0 && longestMs < 1_500, `${longestMs} ms`);
});

test('PushPace asks once at a time: before anything is under way, and then for half a window', async () => {
  const answers: (() => void)[] = [];
  const pace = new PushPace({ clock: new FakeClock(), ping: (answered) => answers.push(answered) });
  await pace.admit();
  await pace.admit();
  assert.equal(answers.length, 1);
  pace.sent(pace.window);
  assert.equal(answers.length, 1);
  answers[0]?.();
  assert.equal(answers.length, 2);
  answers[1]?.();
  pace.sent(1);
  assert.equal(answers.length, 2);
});

test('PushPace.admit() waits for room, and shares it between logs', async () => {
  const answers: (() => void)[] = [];
  const pace = new PushPace({ clock: new FakeClock(), ping: (answered) => answers.push(answered) });
  const logs = [pace.join(), pace.join()];
  assert.equal(await pace.admit(), pace.window / 2);
  answers[0]?.();
  pace.sent(pace.window);
  let admitted = 0;
  const waiting = pace.admit().then((bytes) => {
    admitted = bytes;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(admitted, 0);
  logs[0]?.[Symbol.dispose]();
  answers[1]?.();
  await waiting;
  assert.equal(admitted, pace.window);
});
