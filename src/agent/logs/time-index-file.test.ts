import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { noBytes, type OutputSizes } from './outputs.ts';
import { entryBytes, isBeyond, type TimeEntry } from './time-index.ts';
import { TimeIndexReader } from './time-index-reader.ts';
import { TimeIndexWriter } from './time-index-writer.ts';

function place(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'drover-times-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'times');
}

/** As many entries, each a byte more of either output, a second apart. */
function history(count: number): TimeEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    timeMs: 1_000 * (i + 1),
    stdout: Math.ceil((i + 1) / 2),
    stderr: Math.floor((i + 1) / 2),
  }));
}

async function after(path: string, sizes: OutputSizes): Promise<TimeEntry[]> {
  const found: TimeEntry[] = [];
  for await (const entries of new TimeIndexReader(path).after(sizes)) found.push(...entries);
  return found.filter((entry) => isBeyond(entry, sizes));
}

test('TimeIndexReader finds what a naive search finds, wherever it begins', async (t) => {
  const path = place(t);
  const entries = history(3_000);
  const writer = new TimeIndexWriter(path, 10_000);
  for (let i = 0; i < entries.length; i += 500) {
    writer.add(entries.slice(i, i + 500));
    writer.flush();
  }
  const reader = new TimeIndexReader(path);
  const size = fc.oneof(fc.integer({ min: -1, max: 1_600 }), fc.constant(Number.POSITIVE_INFINITY));
  await fc.assert(
    fc.asyncProperty(size, size, fc.nat(3_100_000), async (stdout, stderr, timeMs) => {
      const sizes = { stdout, stderr };
      assert.deepEqual(
        await after(path, sizes),
        entries.filter((entry) => isBeyond(entry, sizes)),
      );
      const later = entries.findIndex((entry) => entry.timeMs >= timeMs);
      const expected = later < 0 ? undefined : (entries[later - 1] ?? noBytes);
      assert.deepEqual(await reader.sizesAt(timeMs, []), expected);
    }),
    { numRuns: 100 },
  );
  assert.deepEqual(await reader.last(), entries.at(-1));
});

test('TimeIndexReader.sizesAt() finds times among which a clock was set back, and goes on behind the file', async (t) => {
  const path = place(t);
  const at = (timeMs: number, stdout: number): TimeEntry => ({ timeMs, stdout, stderr: 0 });
  const writer = new TimeIndexWriter(path, 100);
  writer.add([at(100, 1), at(200, 2), at(50, 3), at(60, 4)]);
  writer.flush();
  const reader = new TimeIndexReader(path);
  assert.equal((await reader.sizesAt(150, []))?.stdout, 1);
  assert.equal((await reader.sizesAt(300, [at(250, 5), at(400, 6)]))?.stdout, 5);
  assert.equal(await reader.sizesAt(500, [at(400, 6)]), undefined);
});

test('TimeIndexReader of no index, or one of another format, finds nothing', async (t) => {
  const path = place(t);
  const reader = new TimeIndexReader(path);
  for (const content of [undefined, '', 'drover times 2\n'.padEnd(entryBytes * 3)]) {
    if (content !== undefined) writeFileSync(path, content);
    assert.equal(await reader.last(), undefined);
    assert.deepEqual(await after(path, noBytes), []);
    assert.equal(await reader.sizesAt(1, []), undefined);
  }
});

test('TimeIndexWriter goes on with a torn file, and writes one anew that is none', async (t) => {
  const path = place(t);
  const [first, second, third] = history(3) as [TimeEntry, TimeEntry, TimeEntry];
  const writer = new TimeIndexWriter(path, 100);
  assert.equal(writer.resume(), undefined);
  writer.add([first, second]);
  writer.flush();
  appendFileSync(path, 'torn');
  const next = new TimeIndexWriter(path, 100);
  assert.deepEqual(next.resume(), second);
  next.add([third]);
  next.flush();
  assert.deepEqual(await after(path, noBytes), [first, second, third]);
  truncateSync(path, 5);
  const anew = new TimeIndexWriter(path, 100);
  assert.equal(anew.resume(), undefined);
  anew.add([third]);
  anew.flush();
  assert.deepEqual(await after(path, noBytes), [third]);
});

test('TimeIndexWriter keeps the file below its limit, and holds what cannot be written', async (t) => {
  const path = place(t);
  const entries = history(1_000);
  const writer = new TimeIndexWriter(path, 64);
  for (const entry of entries) {
    writer.add([entry]);
    writer.flush();
    assert.ok(readFileSync(path).length <= 65 * entryBytes);
  }
  assert.deepEqual((await after(path, noBytes)).slice(-16), entries.slice(-16));
  const nowhere = new TimeIndexWriter(join(path, 'below', 'a file'), 64);
  for (const entry of history(5_000)) nowhere.add([entry]);
  assert.throws(() => nowhere.flush(), { code: 'ENOTDIR' });
  assert.ok(nowhere.waiting.length <= 1_024);
  assert.deepEqual(nowhere.waiting.at(-1), history(5_000).at(-1));
});
