/**
 * A clock on which time passes faster, so that tests can wait for what takes minutes: every deadline of a daemon shrinks alike, and
 * the rules that compare them stay what they are. DROVER_CLOCK_RATE sets it, which each daemon's config.ts reads and its log then
 * warns of. Nothing here is for production, and no code may depend on it.
 */
import { type Clock, systemClock } from './clock.ts';
import { UsageError } from './command-line.ts';
import type { Logger } from './log.ts';

/** Faster, and what a busy machine takes to run a timer would be most of every deadline. */
const rateMax = 100;

/** Reads "20", for twenty times as fast. Nothing or an empty text is 1: the time that it is. @throws UsageError */
export function parseClockRate(text: string | undefined): number {
  if (!text) return 1;
  const rate = Number(text);
  if (rate >= 1 && rate <= rateMax) return rate;
  throw new UsageError(`DROVER_CLOCK_RATE takes a number from 1 to ${rateMax}, not ${JSON.stringify(text)}`);
}

/** The machine's clock at that rate. Its wall time is the real one, since people and other programs read it. */
export function clockAtRate(rate: number, log: Logger): Clock {
  if (rate === 1) return systemClock;
  log.warn({ rate }, 'time passes faster on purpose: this is for tests only');
  return {
    wallMs: () => systemClock.wallMs(),
    monotonicMs: () => systemClock.monotonicMs() * rate,
    schedule: (delayMs, callback) => systemClock.schedule(delayMs / rate, callback),
  };
}
