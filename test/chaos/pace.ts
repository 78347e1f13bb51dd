/**
 * Faults that last for minutes, on daemons for which time passes faster: a case says its times as the documents do, and takes a
 * twentieth of them. `npm run chaos-long` takes them as they are.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** So much faster time passes for the daemons. */
export const rate = Number(process.env['DROVER_CHAOS_RATE'] ?? 20);

/** What the machine may be late with, where something is to happen in time, milliseconds of real time. */
const slackMs = 2_000;

/** Waits until so much of the daemons' time has passed. */
export function pass(ms: number): Promise<unknown> {
  return sleep(ms / rate);
}

/** Whether what began at `sinceMs`, on the monotonic clock, took no longer than `ms` of the daemons' time. */
export function isWithin(ms: number, sinceMs: number): boolean {
  return performance.now() - sinceMs <= ms / rate + slackMs;
}
