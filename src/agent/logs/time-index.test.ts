import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeEntries,
  encodeEntries,
  entriesOfLook,
  entryBytes,
  type TimeEntry,
  thinEntries,
} from './time-index.ts';

const startMs = 1_700_000_000_000;

/** Entries as a keeper makes them: sizes grow; times mostly do, and go back when the clock is set. */
const histories = fc
  .array(fc.tuple(fc.integer({ min: -20, max: 5_000 }), fc.nat(100), fc.nat(100)), { maxLength: 400 })
  .map((steps) => {
    const entries: TimeEntry[] = [];
    let [timeMs, stdout, stderr] = [startMs, 0, 0];
    for (const [later, out, err] of steps) {
      timeMs += later;
      stdout += out + 1;
      stderr += err;
      entries.push({ timeMs, stdout, stderr });
    }
    return entries;
  });

test('decodeEntries() gives what encodeEntries() was given, without a torn or damaged end', () => {
  fc.assert(
    fc.property(histories, fc.nat(entryBytes - 1), (entries, torn) => {
      const bytes = Buffer.concat([encodeEntries(entries), Buffer.alloc(torn)]);
      assert.deepEqual(decodeEntries(bytes), entries);
      const damaged = Buffer.concat([encodeEntries(entries), Buffer.alloc(entryBytes, 0xff), bytes]);
      assert.deepEqual(decodeEntries(damaged), entries);
    }),
  );
});

test('thinEntries() keeps half, the newest and the whole length, and no time is wrong by more than its span', () => {
  fc.assert(
    fc.property(histories, fc.integer({ min: 8, max: 100 }), (entries, entriesMax) => {
      const thinned = thinEntries(entries, entriesMax);
      assert.ok(thinned.length <= Math.max(entriesMax / 2, 0));
      assert.deepEqual(thinned.at(-1), entries.at(-1));
      const recent = Math.min(thinned.length, Math.floor(entriesMax / 4));
      assert.deepEqual(thinned.slice(-recent), entries.slice(-recent));
      // Each entry speaks for those that it took in: from the one after its predecessor on.
      let spanMs = 0;
      let first = 0;
      for (const entry of thinned) {
        const last = entries.indexOf(entry);
        for (const taken of entries.slice(first, last)) {
          spanMs = Math.max(spanMs, Math.abs(entry.timeMs - taken.timeMs));
        }
        first = last + 1;
      }
      const totalMs = entries.reduce(
        (sum, { timeMs }, i) => sum + Math.abs(timeMs - (entries[i - 1]?.timeMs ?? timeMs)),
        0,
      );
      // A span that is twice as short would not have sufficed: at worst it is a few times an even share of the whole.
      assert.ok(spanMs <= Math.max(20, (16 * totalMs) / entriesMax), `${spanMs} of ${totalMs}`);
    }),
  );
});

test('entriesOfLook() says what grew, in the order of the files where both did', () => {
  const last = { stdout: 10, stderr: 5 };
  const look = (size: number, mtimeMs: number) => ({ size, mtimeMs });
  const cases = [
    { stdout: look(10, 1), stderr: look(5, 1), now: 9, expected: [] },
    { stdout: look(11, 1), stderr: look(5, 1), now: 9, expected: [{ timeMs: 9, stdout: 11, stderr: 5 }] },
    { stdout: look(11, 3), stderr: look(6, 3), now: 9, expected: [{ timeMs: 9, stdout: 11, stderr: 6 }] },
    {
      stdout: look(11, 4),
      stderr: look(6, 3),
      now: 9,
      expected: [
        { timeMs: 9, stdout: 10, stderr: 6 },
        { timeMs: 9, stdout: 11, stderr: 6 },
      ],
    },
    {
      stdout: look(11, 4.4),
      stderr: look(6, 7),
      now: undefined,
      expected: [
        { timeMs: 4, stdout: 11, stderr: 5 },
        { timeMs: 7, stdout: 11, stderr: 6 },
      ],
    },
    // A task can cut its own file short: what was there stays counted.
    { stdout: look(3, 8), stderr: look(6, 8), now: 9, expected: [{ timeMs: 9, stdout: 10, stderr: 6 }] },
  ];
  for (const { stdout, stderr, now, expected } of cases) {
    assert.deepEqual(entriesOfLook(last, { stdout, stderr }, now), expected);
  }
});
