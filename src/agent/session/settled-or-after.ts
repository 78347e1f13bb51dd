/** How long a request of ours waits for what may refuse it. */
import type { Clock } from '#base/clock.ts';

/**
 * So long a refused log or input has to say so before its request is opened: a refusal is then one Result and nothing else.
 * What takes longer opens its request without a message, so that the controller can reset it.
 */
const refusalMs = 100;

/** Resolves when `promise` is settled, at the latest after a moment. @throws what it rejects with. */
export async function settledOrAfter(promise: Promise<unknown>, clock: Clock): Promise<void> {
  const late = Promise.withResolvers<void>();
  using _timer = clock.schedule(refusalMs, late.resolve);
  await Promise.race([promise, late.promise]);
}
