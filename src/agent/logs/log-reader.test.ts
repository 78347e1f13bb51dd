import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { pino } from 'pino';
import { type Clock, FakeClock, systemClock } from '#base/clock.ts';
import { OpenLogSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { GrowthWatch } from './growth-watch.ts';
import { KeptLog } from './kept-log.ts';
import { type LogOrigin, readEndedLog } from './log-origin.ts';
import { readLog } from './log-reader.ts';
import { type OutputName, outputSources } from './outputs.ts';

const silentLog = pino({ level: 'silent' });
const never = new AbortController().signal;

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-log-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

function order(init: Parameters<typeof create<typeof OpenLogSchema>>[1] = {}) {
  return create(OpenLogSchema, { taskId: 'taskaaaaaa', attempt: 1, ...init });
}

async function ended(directory: string): Promise<LogOrigin> {
  return { attempt: 1, over: AbortSignal.abort(), log: await readEndedLog(directory) };
}

function keep(directory: string, clock: Clock = systemClock): KeptLog {
  return new KeptLog('taskaaaaaa.1', directory, { clock, timesMax: 1_000, onGrowth: () => {} });
}

/** An attempt that is not over, whose files are looked at. */
function living(t: TestContext, directory: string, over: AbortSignal, clock = systemClock): LogOrigin {
  const log = keep(directory, clock);
  const watch = new GrowthWatch(clock, silentLog);
  t.after(() => watch[Symbol.dispose]());
  watch.add(log);
  return { attempt: 1, over, log };
}

async function collect(chunks: AsyncIterable<LogChunk>): Promise<LogChunk[]> {
  const all: LogChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

async function readEnded(directory: string, init: Parameters<typeof order>[0] = {}): Promise<LogChunk[]> {
  return await collect(readLog(order(init), await ended(directory), systemClock, never));
}

function textOf(chunks: readonly LogChunk[], source: LogSource = LogSource.STDOUT): string {
  return Buffer.concat(chunks.filter((c) => c.source === source).map((c) => c.data)).toString();
}

test('readLog() gives both outputs from their offsets in chunks that join', async (t) => {
  const directory = await temporary(t);
  const stdout = 'o'.repeat(limits.logChunkBytesMax * 2 + 10);
  await writeFile(join(directory, 'stdout'), stdout);
  await writeFile(join(directory, 'stderr'), 'errors');
  const chunks = await readEnded(directory, { stderrOffset: 3n });
  assert.equal(textOf(chunks), stdout);
  assert.equal(textOf(chunks, LogSource.STDERR), 'ors');
  let next = 0n;
  for (const { source, offset, data } of chunks) {
    assert.ok(data.length <= limits.logChunkBytesMax);
    if (source === LogSource.STDERR) assert.equal(offset, 3n);
    else assert.equal(offset, next);
    if (source === LogSource.STDOUT) next += BigInt(data.length);
  }
  const only = await readEnded(directory, { source: LogSource.STDERR });
  assert.deepEqual([textOf(only), textOf(only, LogSource.STDERR)], ['', 'errors']);
});

test('readLog() without follow ends where the output ended when it began', async (t) => {
  const directory = await temporary(t);
  const stdout = join(directory, 'stdout');
  await writeFile(stdout, 'x'.repeat(limits.logChunkBytesMax + 5));
  for (const times of [false, true]) {
    const chunks = readLog(order({ times }), living(t, directory, never), systemClock, never);
    const first = await chunks.next();
    await appendFile(stdout, 'later');
    const rest = await collect(chunks);
    assert.equal((first.value?.data.length ?? 0) + textOf(rest).length, limits.logChunkBytesMax + 5);
    await truncate(stdout, limits.logChunkBytesMax + 5);
  }
});

test('readLog() of an attempt without output gives nothing', async (t) => {
  assert.deepEqual(await readEnded(await temporary(t), { follow: true }), []);
});

test('readLog() begins with the last lines, and says how much it leaves out', async (t) => {
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
        const chunks = await readEnded(directory, { tailLines });
        const parts = full.split('\n');
        if (parts.at(-1) === '') parts.pop();
        const expected = parts.slice(-tailLines).join('\n') + (full.endsWith('\n') ? '\n' : '');
        assert.equal(textOf(chunks), expected);
        const [first] = chunks;
        assert.equal(first?.skippedBytes ?? 0n, first?.offset ?? 0n);
      },
    ),
    { numRuns: 200 },
  );
});

test('readLog() finds last lines across blocks, and gives up at its limit', async (t) => {
  const directory = await temporary(t);
  const long = `${'x'.repeat(limits.logChunkBytesMax + 7)}\n`;
  await writeFile(join(directory, 'stdout'), `first\n${long}${long}`);
  assert.equal(textOf(await readEnded(directory, { tailLines: 2 })), long + long);
  await writeFile(join(directory, 'stdout'), 'y'.repeat(limits.tailBytesMax + 5));
  const cut = await readEnded(directory, { tailLines: 1 });
  assert.equal(cut[0]?.offset, 5n);
});

test('readLog() says that last lines are gone rather than leaving them out', async (t) => {
  const directory = await temporary(t);
  await writeFile(join(directory, 'stdout'), 'aaaa\nbbbb\ncccc\n');
  await keep(directory).moveFloor('stdout', 7);
  const [chunk] = await readEnded(directory, { tailLines: 3 });
  assert.deepEqual([chunk?.offset, chunk?.goneBytes, chunk?.skippedBytes], [7n, 7n, 0n]);
  const [last] = await readEnded(directory, { tailLines: 1 });
  assert.deepEqual([last?.offset, last?.goneBytes, last?.skippedBytes], [10n, 0n, 10n]);
});

test('readLog() follows growing files until the attempt is over and all is read', async (t) => {
  for (const times of [false, true]) {
    const directory = await temporary(t);
    const over = new AbortController();
    const stdout = join(directory, 'stdout');
    const origin = living(t, directory, over.signal);
    const chunks = readLog(order({ follow: true, times }), origin, systemClock, never);
    if (times) assert.equal((await chunks.next()).value?.caughtUp, true);
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
  }
});

test('readLog() ends when it is aborted', async (t) => {
  const directory = await temporary(t);
  await writeFile(join(directory, 'stdout'), 'text');
  const abort = new AbortController();
  const origin = living(t, directory, never);
  const chunks = readLog(order({ follow: true }), origin, systemClock, abort.signal);
  await chunks.next();
  const rest = collect(chunks);
  abort.abort();
  assert.deepEqual(await rest, []);
});

test('readLog() says what was given back while a slow reader was reading, and never gives holes', async (t) => {
  const directory = await temporary(t);
  const stdout = join(directory, 'stdout');
  const ahead = limits.logReadBytesMax;
  await writeFile(stdout, 'x'.repeat(4 * ahead));
  const over = new AbortController();
  for (const times of [false, true]) {
    const log = keep(directory);
    const origin = { attempt: 1, over: over.signal, log };
    const chunks = readLog(order({ times }), origin, systemClock, never);
    const given = await takeChunk(chunks);
    await log.moveFloor('stdout', 2 * ahead + 10);
    let next = await takeChunk(chunks);
    // What was read before is there.
    while (next.goneBytes === 0n) {
      given.data = Buffer.concat([given.data, next.data]);
      next = await takeChunk(chunks);
    }
    assert.equal(textOf([given]), 'x'.repeat(ahead));
    assert.deepEqual([next.offset, next.goneBytes], [BigInt(2 * ahead + 10), BigInt(ahead + 10)]);
    await log.moveFloor('stdout', 4 * ahead + 10);
    const rest = await collect(chunks);
    // What was not read is gone, and nothing else is; and nothing is given that it is not.
    const text = textOf([next, ...rest]);
    const lost = rest.reduce((sum, chunk) => sum + chunk.goneBytes, 0n);
    assert.equal(lost + BigInt(text.length), BigInt(2 * ahead - 10));
    assert.match(text, /^x*$/);
    await log.moveFloor('stdout', 0);
  }
});

async function takeChunk(chunks: AsyncIterator<LogChunk>): Promise<LogChunk> {
  const { value } = await chunks.next();
  assert.ok(value);
  return value;
}

/** Something that is written in a generated history. */
interface Write {
  readonly name: OutputName;
  readonly length: number;
  /** After the one before, milliseconds. */
  readonly laterMs: number;
}

const histories = fc.array(
  fc.record({
    name: fc.constantFrom<OutputName>('stdout', 'stderr'),
    length: fc.integer({ min: 1, max: 40 }),
    laterMs: fc.integer({ min: 1, max: 50 }),
  }),
  { maxLength: 30 },
);

/** A byte of a history, and when it was written. */
interface Byte {
  readonly name: OutputName;
  readonly offset: number;
  readonly timeMs: number;
  readonly value: number;
}

async function writeHistory(directory: string, writes: readonly Write[], clock: FakeClock) {
  const log = keep(directory, clock);
  const bytes: Byte[] = [];
  const sizes = { stdout: 0, stderr: 0 };
  for (const { name, length, laterMs } of writes) {
    await clock.advance(laterMs);
    const data = Buffer.from(Array.from({ length }, (_, i) => (sizes[name] + i + 1) % 251));
    await appendFile(join(directory, name), data);
    for (const [i, value] of data.entries()) {
      bytes.push({ name, offset: sizes[name] + i, timeMs: clock.wallMs(), value });
    }
    sizes[name] += length;
    log.look();
    if (bytes.length % 3 === 0) log.flush();
  }
  return { log, bytes };
}

test('readLog() gives what a naive reader would: by times, offsets and floors, in the order of writing', async (t) => {
  const directory = await temporary(t);
  let runs = 0;
  const startMs = 1_700_000_000_000;
  const stretch = fc.record(
    { since: fc.nat(900), until: fc.nat(900), stdoutOffset: fc.nat(200), floor: fc.nat(200) },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(histories, stretch, async (writes, { since, until, stdoutOffset = 0, floor = 0 }) => {
      const place = join(directory, String(runs++));
      await mkdir(place);
      const clock = new FakeClock(startMs);
      const { log, bytes } = await writeHistory(place, writes, clock);
      const lowest = Math.min(floor, log.sizes.stdout);
      await log.moveFloor('stdout', lowest);
      await clock.advance(2_000);
      const request = order({
        times: true,
        stdoutOffset: BigInt(stdoutOffset),
        ...(since !== undefined && { since: timestampFromMs(startMs + since) }),
        ...(until !== undefined && { until: timestampFromMs(startMs + until) }),
      });
      const chunks = await collect(readLog(request, { attempt: 1, over: never, log }, clock, never));
      const asked = bytes.filter(
        (byte) =>
          (byte.name === 'stderr' || byte.offset >= stdoutOffset) &&
          byte.timeMs >= startMs + (since ?? 0) &&
          (until === undefined || byte.timeMs < startMs + until),
      );
      const isGone = (byte: Byte) => byte.name === 'stdout' && byte.offset < lowest;
      const read = chunks.flatMap(({ source, offset, data, writtenAt }) =>
        [...data].map((value, i) => ({
          name: source === outputSources.stdout ? 'stdout' : 'stderr',
          offset: Number(offset) + i,
          timeMs: writtenAt ? timestampMs(writtenAt) : 0,
          value,
        })),
      );
      assert.deepEqual(
        read,
        asked.filter((byte) => !isGone(byte)),
      );
      const gone = chunks.reduce((sum, chunk) => sum + chunk.goneBytes, 0n);
      assert.equal(gone, BigInt(asked.filter(isGone).length));
      assert.deepEqual(
        chunks.map(({ caughtUp }) => caughtUp),
        [...Array(chunks.length - 1).fill(false), true],
      );
    }),
    { numRuns: 100 },
  );
});

test('readLog() follows until a time has come', async (t) => {
  const directory = await temporary(t);
  const clock = new FakeClock();
  const log = keep(directory, clock);
  const until = timestampFromMs(clock.wallMs() + 1_000);
  const origin = { attempt: 1, over: never, log };
  const reading = collect(readLog(order({ follow: true, until }), origin, clock, never));
  await clock.advance(500);
  await writeFile(join(directory, 'stdout'), 'in time');
  log.look();
  await clock.advance(499);
  await clock.advance(1);
  await appendFile(join(directory, 'stdout'), ', and too late');
  assert.equal(textOf(await reading), 'in time');
});
