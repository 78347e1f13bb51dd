import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { type Direction, parseMoment } from './parse-moment.ts';

const now = new Date(2026, 10, 22, 14, 5, 30, 250);
const local = (day: number, ...time: number[]) => new Date(2026, 10, day, ...time).getTime();

for (const [text, direction, expected] of [
  ['10m', 'last', now.getTime() - 600_000],
  ['1.5h', 'next', now.getTime() - 5_400_000],
  ['250ms', 'last', now.getTime() - 250],
  ['14:05', 'last', local(22, 14, 5)],
  ['14:05:30', 'last', local(22, 14, 5, 30)],
  ['14:05:31', 'last', local(21, 14, 5, 31)],
  ['9:00', 'last', local(22, 9)],
  ['23:59', 'last', local(21, 23, 59)],
  ['23:59', 'next', local(22, 23, 59)],
  ['14:05', 'next', local(23, 14, 5)],
  ['2026-11-22T14:05:00Z', 'last', Date.UTC(2026, 10, 22, 14, 5)],
  ['2026-11-22t14:05:00.5z', 'last', Date.UTC(2026, 10, 22, 14, 5, 0, 500)],
  ['2026-11-22T14:05:00+01:00', 'last', Date.UTC(2026, 10, 22, 13, 5)],
  ['2026-11-22 14:05', 'last', local(22, 14, 5)],
  ['2026-11-22', 'last', local(22)],
  ['2028-02-29T00:00Z', 'last', Date.UTC(2028, 1, 29)],
] as [string, Direction, number][]) {
  test(`parseMoment() of ${text}, the ${direction} one`, () => {
    assert.equal(parseMoment(text, '--since', now.getTime(), direction), expected);
  });
}

for (const text of [
  '10',
  '-5m',
  '1x',
  '24:00',
  '12:60',
  '12:5',
  'noon',
  '2026-02-29',
  '2026-13-01',
  '2026-11-22T25:00',
  '2026-11-22T10',
  '22.11.2026',
  '2026-11-22T10:00+25:00',
]) {
  test(`parseMoment() refuses ${text}`, () => {
    assert.throws(
      () => parseMoment(text, '--since', now.getTime(), 'last'),
      (error) =>
        error instanceof UsageError &&
        error.message.startsWith('--since takes a duration such as 10m, a time'),
    );
  });
}
