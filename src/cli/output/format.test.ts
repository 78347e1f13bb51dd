import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { UsageError } from '#base/command-line.ts';
import { formatSize } from '#core/format-size.ts';
import { formatDuration, parseDuration } from './format-duration.ts';
import { showTime, showTimeMs } from './format-time.ts';

for (const [ms, expected] of [
  [-5, '0.0s'],
  [0, '0.0s'],
  [420, '0.4s'],
  [12_345, '12s'],
  [185_000, '3m05s'],
  [15_000_000, '4h10m'],
  [273_600_000, '3d4h'],
] as const) {
  test(`formatDuration() of ${ms} is ${expected}`, () => assert.equal(formatDuration(ms), expected));
}

for (const [text, expected] of [
  ['500ms', 500],
  ['10s', 10_000],
  ['10', 10_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
] as const) {
  test(`parseDuration() of ${text}`, () => assert.equal(parseDuration(text, '--timeout'), expected));
}

for (const text of ['', 's', '-1s', '1 s', '10x', '1e3', '9999d']) {
  test(`parseDuration() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseDuration(text, '--timeout'),
      (error) => error instanceof UsageError && error.message.startsWith('--timeout takes a duration'),
    );
  });
}

for (const text of ['0', '0s', '0.0001s', '0d']) {
  test(`parseDuration() refuses ${text}, which would mean the default`, () => {
    assert.throws(() => parseDuration(text, '--ttl'), /^UsageError: --ttl takes a duration above zero/);
  });
}

test('showTime() names the moment, whatever the zone', () => {
  const ms = 1_700_000_000_000;
  const shown = showTime(timestampFromMs(ms));
  assert.match(shown, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
  assert.equal(Date.parse(shown), ms);
  assert.equal(showTime(undefined), '-');
});

test('showTimeMs() names the moment to the millisecond', () => {
  const shown = showTimeMs(timestampFromMs(1_700_000_000_042));
  assert.match(shown, /^\d{4}-\d\d-\d\dT\d\d:\d\d:20\.042[+-]\d\d:\d\d$/);
  assert.equal(Date.parse(shown), 1_700_000_000_042);
  assert.equal(showTimeMs(undefined), '-');
});

for (const [bytes, expected] of [
  [0, '0 B'],
  [999, '999 B'],
  [1536, '1.5 KiB'],
  [12n * 1024n * 1024n, '12 MiB'],
  [5 * 1024 ** 6, '5120 PiB'],
] as const) {
  test(`formatSize() of ${bytes} is ${expected}`, () => assert.equal(formatSize(bytes), expected));
}
