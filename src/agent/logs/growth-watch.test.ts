import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { FakeClock } from '#base/clock.ts';
import { type Growing, GrowthWatch, hotPollMs, hotPolls } from './growth-watch.ts';

/** Counts the timers that are armed. */
class CountingClock extends FakeClock {
  timers = 0;

  override schedule(delayMs: number, callback: () => void): Disposable {
    this.timers++;
    return super.schedule(delayMs, callback);
  }
}

/** A directory with a file; `news` says whether looks find something. */
async function place(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'drover-watch-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'stdout');
  await writeFile(path, '');
  const seen = { looks: 0, news: false, awaited: false };
  let looked = Promise.withResolvers<void>();
  const target: Growing = {
    directory,
    look() {
      seen.looks++;
      looked.resolve();
      looked = Promise.withResolvers();
      return seen.news;
    },
    get isAwaited() {
      return seen.awaited;
    },
    concerns: (name) => name !== 'times',
  };
  const clock = new CountingClock();
  const watch = new GrowthWatch(clock, pino({ level: 'silent' }));
  t.after(() => watch[Symbol.dispose]());
  return { path, clock, watch, target, seen, looked: () => looked.promise };
}

async function cool(clock: FakeClock): Promise<void> {
  for (let i = 0; i < hotPolls; i++) await clock.advance(hotPollMs);
}

test('GrowthWatch looks at what grows each 20 ms, and watches it once it is idle', async (t) => {
  const { path, clock, watch, target, seen, looked } = await place(t);
  seen.news = true;
  watch.add(target);
  for (let i = 1; i <= 20; i++) {
    await clock.advance(hotPollMs);
    assert.equal(seen.looks, i);
  }
  seen.news = false;
  await cool(clock);
  const { timers } = clock;
  const { looks } = seen;
  await clock.advance(10 * hotPollMs);
  assert.deepEqual([clock.timers, seen.looks], [timers, looks]);
  const look = looked();
  await appendFile(path, 'woken');
  await look;
  assert.equal(clock.timers, timers);
});

test('GrowthWatch takes what is written again at once for hot, and what is written seldom not', async (t) => {
  const { path, clock, watch, target, seen, looked } = await place(t);
  watch.add(target);
  await cool(clock);
  seen.news = true;
  const timers = () => clock.timers;
  const before = timers();
  for (let i = 0; i < 3; i++) {
    await clock.advance(1_000);
    const look = looked();
    await appendFile(path, 'seldom');
    await look;
  }
  assert.equal(timers(), before);
  const look = looked();
  await appendFile(path, 'at once');
  await look;
  assert.equal(timers(), before + 1);
});

test('GrowthWatch looks at once at what somebody waits for, however often it is written', async (t) => {
  const { path, clock, watch, target, seen, looked } = await place(t);
  watch.add(target);
  seen.news = true;
  await clock.advance(hotPollMs);
  seen.awaited = true;
  await clock.advance(hotPollMs);
  const { timers } = clock;
  for (let i = 0; i < 20; i++) {
    const look = looked();
    await appendFile(path, 'key');
    await look;
  }
  assert.equal(clock.timers, timers);
});

test('GrowthWatch looks no more at what was removed, hot or idle', async (t) => {
  const { path, clock, watch, target, seen } = await place(t);
  for (const idle of [false, true]) {
    const watching = watch.add(target);
    if (idle) await cool(clock);
    const { looks } = seen;
    watching[Symbol.dispose]();
    await appendFile(path, 'unseen');
    await clock.advance(10 * hotPollMs);
    assert.equal(seen.looks, looks);
  }
});
