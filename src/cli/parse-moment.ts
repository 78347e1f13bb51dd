/** Moments on the command line. */
import { UsageError } from '#base/command-line.ts';
import { parseDuration } from './output/format-duration.ts';

/** Which of the two moments a time of the day means. */
export type Direction = 'last' | 'next';

/**
 * Milliseconds since 1970 of a moment given to `option`: a duration ago such as "10m"; a time of the day such as "14:05" or
 * "14:05:30"; or RFC 3339, whose time or offset may be missing: then it is local midnight, or local time.
 *
 * @param direction for a time of the day: when it was last that late, now included, or when it will be next.
 * @throws UsageError for anything else.
 */
export function parseMoment(text: string, option: string, nowMs: number, direction: Direction): number {
  if (/^[\d.]+(ms|s|m|h|d)$/.test(text)) return nowMs - parseDuration(text, option);
  const moment = parseTimeOfDay(text, nowMs, direction) ?? parseDateTime(text);
  if (moment !== undefined) return moment;
  throw new UsageError(
    `${option} takes a duration such as 10m, a time such as 14:05 or a moment such as 2026-11-22T14:05:00+01:00, not ${JSON.stringify(text)}`,
  );
}

function parseTimeOfDay(text: string, nowMs: number, direction: Direction): number | undefined {
  const [, hours, minutes, seconds = '0'] = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(text) ?? [];
  if (hours === undefined || !isTimeOfDay(Number(hours), Number(minutes), Number(seconds))) return undefined;
  const at = new Date(nowMs);
  at.setHours(Number(hours), Number(minutes), Number(seconds), 0);
  // By the calendar: a day may have 23 or 25 hours.
  if (direction === 'last' && at.getTime() > nowMs) at.setDate(at.getDate() - 1);
  if (direction === 'next' && at.getTime() <= nowMs) at.setDate(at.getDate() + 1);
  return at.getTime();
}

function parseDateTime(text: string): number | undefined {
  const form =
    /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?$/.exec(text);
  if (!form) return undefined;
  const [, year, month, day, hours = '0', minutes = '0', seconds = '0'] = form;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  // Date takes the 31st of February for the 3rd of March.
  if (date.getUTCMonth() + 1 !== Number(month) || date.getUTCDate() !== Number(day)) return undefined;
  if (!isTimeOfDay(Number(hours), Number(minutes), Number(seconds))) return undefined;
  const ms = Date.parse(text.length > 10 ? text.replace(/[t ]/, 'T').replace('z', 'Z') : `${text}T00:00`);
  return Number.isNaN(ms) ? undefined : ms;
}

function isTimeOfDay(hours: number, minutes: number, seconds: number): boolean {
  return hours < 24 && minutes < 60 && seconds < 60;
}
