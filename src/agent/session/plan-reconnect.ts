/** What to do when a session, or the try to have one, has ended. Decides; waits for nothing. */
import { backoffDelayMs } from '#base/backoff.ts';
import type { LinkEnd } from './link-session.ts';

/** Try again after a while, or never. */
export type ReconnectPlan =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly failures: number }
  | { readonly kind: 'give-up'; readonly reason: string };

/** Full jitter between nothing and half a second, doubling to half a minute (reliability: a herd must not return together). */
const backoff = { baseMs: 500, maxMs: 30_000 };

/**
 * @param failures tries in a row that had no Welcome, before this one.
 * @param random in [0, 1).
 */
export function planReconnect(end: LinkEnd, failures: number, random: number): ReconnectPlan {
  if (end.goodbye?.final) return { kind: 'give-up', reason: end.reason };
  const failed = end.welcomed ? 1 : failures + 1;
  const delayMs = end.goodbye?.retryAfterMs || backoffDelayMs(failed, backoff, random);
  return { kind: 'retry', delayMs, failures: failed };
}
