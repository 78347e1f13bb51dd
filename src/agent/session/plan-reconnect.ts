/** What to do when a session, or the try to have one, has ended. Decides; waits for nothing. */
import { backoffDelayMs } from '#base/backoff.ts';
import type { LinkEnd } from './link-session.ts';

/** Try again after a while, or never. */
export type ReconnectPlan =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly failures: number }
  | { readonly kind: 'give-up'; readonly reason: string };

/** What happened before this end. */
export interface ReconnectHistory {
  /** Tries in a row that had no Welcome. */
  readonly failures: number;
  /** Of the latest Welcome, milliseconds; 0 where none came yet. */
  readonly spreadMs: number;
}

/** Ceiling of the first delay, milliseconds, in a cluster that is not so large as to need more. */
const baseMs = 500;

/** Ceiling of every delay. */
const maxMs = 30_000;

/** Ceiling while the port refuses: such a try costs one packet each way, and a controller that restarts is back soon. */
const refusedMaxMs = 1_000;

/** Full jitter below a ceiling that doubles (reliability: a herd must not return together). @param random in [0, 1). */
export function planReconnect(end: LinkEnd, history: ReconnectHistory, random: number): ReconnectPlan {
  if (end.final || end.goodbye?.final) return { kind: 'give-up', reason: end.reason };
  const base = Math.max(baseMs, history.spreadMs);
  const max = Math.max(end.refused ? refusedMaxMs : maxMs, base);
  // Refusals do not add up: the first other failure after an hour of them is still an early one.
  const before = end.refused ? Math.min(history.failures, 1) : history.failures;
  const failures = end.welcomed ? 1 : before + 1;
  const delayMs = end.goodbye?.retryAfterMs || backoffDelayMs(failures, { baseMs: base, maxMs: max }, random);
  return { kind: 'retry', delayMs, failures };
}
