/**
 * Reads a stream of the API across lost connections: opens it again, with growing pauses, until it ends by itself, is
 * refused, or the controller has been away for too long. What repeats after a reopening is for the caller to notice.
 */
import { type BackoffOptions, backoffDelayMs } from '#base/backoff.ts';
import { type Clock, delay } from '#base/clock.ts';
import { isConnectionLost, neverConnected, reasonOf } from '#cli/failure.ts';

/** How long a controller may be away before its followers give up, milliseconds: a restart takes far less. */
export const controllerAwayMaxMs = 60_000;
const backoff: BackoffOptions = { baseMs: 500, maxMs: 5_000 };

/** What reading needs. */
export interface RetryOptions {
  readonly clock: Clock;
  readonly abort: AbortSignal;
  /** The controller was reached just before: not to reach it now is a loss like any other. Default false. */
  readonly reached?: boolean;
  /** Called once for each loss of the connection. */
  readonly onLost: () => void;
  /** Called when it is read again after a loss. */
  readonly onBack: () => void;
}

/**
 * Yields what the streams yield that `open` opens, one after another.
 *
 * @throws what a stream fails with, where that is no lost connection, where there never was one, or after controllerAwayMaxMs.
 */
export async function* retryStream<T>(
  open: () => AsyncIterable<T>,
  { clock, abort, reached = false, onLost, onBack }: RetryOptions,
): AsyncGenerator<T> {
  let everRead = reached;
  let lostAtMs: number | undefined;
  for (let failures = 1; ; failures++) {
    try {
      for await (const item of open()) {
        if (lostAtMs !== undefined) onBack();
        lostAtMs = undefined;
        failures = 0;
        everRead = true;
        yield item;
      }
      return;
    } catch (error) {
      const lost = isConnectionLost(error) || (everRead && reasonOf(error) === 'STOPPING');
      if (abort.aborted || !lost || (!everRead && neverConnected(error))) throw error;
      const nowMs = clock.monotonicMs();
      if (lostAtMs === undefined) onLost();
      lostAtMs ??= nowMs;
      if (nowMs - lostAtMs > controllerAwayMaxMs) throw error;
    }
    await delay(clock, backoffDelayMs(failures, backoff, Math.random()), abort);
  }
}
