import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { pino } from 'pino';
import { FakeClock, systemClock } from '#base/clock.ts';
import { OpenLogSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { hotPollMs } from './await-growth.ts';
import { LogDirectories } from './log-directories.ts';
import { hotPolls, readLog } from './log-reader.ts';

const never = new AbortController().signal;

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-log-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

function order(init: Parameters<typeof create<typeof OpenLogSchema>>[1] = {}) {
  return create(OpenLogSchema, { taskId: 'taskaaaaaa', attempt: 1, ...init });
}

function ended(directory: string) {
  return { directory, attempt: 1, over: AbortSignal.abort() };
}

async function collect(chunks: AsyncIterable<LogChunk>): Promise<LogChunk[]> {
  const all: LogChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

function textOf(chunks: readonly LogChunk[], source: LogSource = LogSource.STDOUT): string {
  return Buffer.concat(chunks.filter((c) => c.source === source).map((c) => c.data)).toString();
}

/** Counts the timers that were asked for. */
class CountingClock extends FakeClock {
  timers = 0;

  override schedule(delayMs: number, callback: () => void): Disposable {
    this.timers++;
    return super.schedule(delayMs, callback);
  }
}

test('readLog() gives both outputs from their offsets in chunks that join', async (t) => {
  const directory = await temporary(t);
  const stdout = 'o'.repeat(limits.logChunkBytesMax * 2 + 10);
  await writeFile(join(directory, 'stdout'), stdout);
  await writeFile(join(directory, 'stderr'), 'errors');
  const read = readLog(order({ stderrOffset: 3n }), ended(directory), systemClock, never);
  const chunks = await collect(read);
  assert.equal(textOf(chunks), stdout);
  assert.equal(textOf(chunks, LogSource.STDERR), 'ors');
  let next = 0n;
  for (const { source, offset, data } of chunks) {
    assert.ok(data.length <= limits.logChunkBytesMax);
    if (source === LogSource.STDERR) assert.equal(offset, 3n);
    else assert.equal(offset, next);
    if (source === LogSource.STDOUT) next += BigInt(data.length);
  }
  const only = await collect(
    readLog(order({ source: LogSource.STDERR }), ended(directory), systemClock, never),
  );
  assert.deepEqual([textOf(only), textOf(only, LogSource.STDERR)], ['', 'errors']);
});

test('readLog() without follow ends where the output ended when it began', async (t) => {
  const directory = await temporary(t);
  const stdout = join(directory, 'stdout');
  await writeFile(stdout, 'x'.repeat(limits.logChunkBytesMax + 5));
  const origin = { directory, attempt: 1, over: never };
  const chunks = readLog(order(), origin, systemClock, never);
  const first = await chunks.next();
  await appendFile(stdout, 'later');
  const rest = await collect(chunks);
  assert.equal((first.value?.data.length ?? 0) + textOf(rest).length, limits.logChunkBytesMax + 5);
});

test('readLog() of an attempt without output gives nothing', async (t) => {
  const read = readLog(order({ follow: true }), ended(await temporary(t)), systemClock, never);
  assert.deepEqual(await collect(read), []);
});

test('readLog() begins with the last lines', async (t) => {
  const directory = await temporary(t);
  const line = fc.string({ maxLength: 10 }).map((text) => text.replaceAll('\n', ''));
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 20 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 25 }),
      async (lines, closed, tailLines) => {
        const full = lines.join('\n') + (closed && lines.length > 0 ? '\n' : '');
        await writeFile(join(directory, 'stdout'), full);
        const chunks = await collect(readLog(order({ tailLines }), ended(directory), systemClock, never));
        const parts = full.split('\n');
        if (parts.at(-1) === '') parts.pop();
        const expected = parts.slice(-tailLines).join('\n') + (full.endsWith('\n') ? '\n' : '');
        assert.equal(textOf(chunks), expected);
      },
    ),
    { numRuns: 200 },
  );
});

test('readLog() finds last lines across blocks, and gives up at its limit', async (t) => {
  const directory = await temporary(t);
  const long = `${'x'.repeat(limits.logChunkBytesMax + 7)}\n`;
  await writeFile(join(directory, 'stdout'), `first\n${long}${long}`);
  const chunks = await collect(readLog(order({ tailLines: 2 }), ended(directory), systemClock, never));
  assert.equal(textOf(chunks), long + long);
  await writeFile(join(directory, 'stdout'), 'y'.repeat(limits.tailBytesMax + 5));
  const cut = await collect(readLog(order({ tailLines: 1 }), ended(directory), systemClock, never));
  assert.equal(cut[0]?.offset, 5n);
});

test('readLog() follows growing files until the attempt is over and all is read', async (t) => {
  const directory = await temporary(t);
  const over = new AbortController();
  const stdout = join(directory, 'stdout');
  const origin = { directory, attempt: 1, over: over.signal };
  const chunks = readLog(order({ follow: true }), origin, systemClock, never);
  const first = chunks.next();
  await writeFile(stdout, 'one');
  assert.equal(Buffer.from((await first).value?.data ?? []).toString(), 'one');
  const second = chunks.next();
  await appendFile(stdout, 'two');
  assert.equal(Buffer.from((await second).value?.data ?? []).toString(), 'two');
  const rest = collect(chunks);
  await appendFile(stdout, 'three');
  await writeFile(join(directory, 'stderr'), 'late');
  over.abort();
  const last = await rest;
  assert.deepEqual([textOf(last), textOf(last, LogSource.STDERR)], ['three', 'late']);
});

test('readLog() wakes from idleness when a file grows, without any timer', async (t) => {
  const directory = await temporary(t);
  const clock = new CountingClock();
  const stdout = join(directory, 'stdout');
  await writeFile(stdout, '');
  const over = new AbortController();
  const origin = { directory, attempt: 1, over: over.signal };
  const chunks = readLog(order({ follow: true }), origin, clock, never);
  let found = false;
  const first = chunks.next().then((result) => {
    found = true;
    return result;
  });
  while (clock.timers < hotPolls - 1) await clock.advance(hotPollMs);
  await clock.advance(hotPollMs);
  await appendFile(stdout, 'woken');
  while (!found) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(Buffer.from((await first).value?.data ?? []).toString(), 'woken');
  assert.equal(clock.timers, hotPolls - 1);
  over.abort();
  assert.deepEqual(await collect(chunks), []);
});

test('readLog() ends when it is aborted, hot or idle', async (t) => {
  const directory = await temporary(t);
  await writeFile(join(directory, 'stdout'), 'text');
  for (const advances of [0, 50]) {
    const clock = new FakeClock();
    const abort = new AbortController();
    const origin = { directory, attempt: 1, over: never };
    const chunks = readLog(order({ follow: true }), origin, clock, abort.signal);
    await chunks.next();
    const rest = collect(chunks);
    for (let i = 0; i < advances; i++) await clock.advance(20);
    abort.abort();
    assert.deepEqual(await rest, []);
  }
});

test('LogDirectories keeps the output of the latest ended attempts', async (t) => {
  const root = await temporary(t);
  const log = pino({ level: 'silent' });
  const directories = await LogDirectories.open(root, log, () => false);
  for (let i = 1; i <= limits.agentLogDirectoriesMax + 2; i++) {
    await directories.make(`taskaaaaaa.${i}`);
    await directories.retire(`taskaaaaaa.${i}`);
  }
  assert.equal((await readdir(root)).length, limits.agentLogDirectoriesMax);
  assert.equal(await directories.findAttempt('taskaaaaaa', 0), limits.agentLogDirectoriesMax + 2);
  assert.equal(await directories.findAttempt('taskaaaaaa', 2), undefined);
  assert.equal(await directories.findAttempt('taskaaaaaa', 3), 3);
  assert.equal(await directories.findAttempt('taskbbbbbb', 0), undefined);
});
