/**
 * Full jitter: a delay drawn evenly between nothing and a ceiling that doubles with each failure, so that a herd that
 * failed together does not return together.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export interface BackoffOptions {
  /** Ceiling of the first delay, milliseconds. */
  readonly baseMs: number;
  /** Ceiling of every delay, milliseconds. */
  readonly maxMs: number;
}

/** Delay in milliseconds before the retry after `failures` failures (1 or more); `random` is in [0, 1). */
export function backoffDelayMs(failures: number, { baseMs, maxMs }: BackoffOptions, random: number): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(random * ceiling);
}
