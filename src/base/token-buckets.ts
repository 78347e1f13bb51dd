/** How often something may happen, for each of many keys apart: so many at once, and as many again in a time. */
import type { Clock } from './clock.ts';

/** What is allowed. */
export interface BucketLimits {
  /** At once, after a while in which nothing happened. */
  readonly burst: number;
  /** Milliseconds in which as many come again, one by one. */
  readonly refillMs: number;
}

interface Bucket {
  left: number;
  atMs: number;
}

/** Keys that are remembered; above it those go that could take everything again, and if there are none, the oldest. */
const keysMax = 10_000;

/** Buckets by key. Remembers nothing of a key that has not been used for `refillMs`, as soon as there are many. */
export class TokenBuckets {
  readonly #clock: Clock;
  readonly #limits: BucketLimits;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, limits: BucketLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Takes one; false where none is left. */
  take(key: string): boolean {
    const bucket = this.#refilled(key);
    if (bucket.left < 1) return false;
    bucket.left--;
    this.#buckets.delete(key);
    this.#makeRoom(bucket.atMs);
    this.#buckets.set(key, bucket);
    return true;
  }

  /** Whether one is left, without taking it. */
  hasLeft(key: string): boolean {
    return this.#refilled(key).left >= 1;
  }

  #refilled(key: string): Bucket {
    const { burst, refillMs } = this.#limits;
    const atMs = this.#clock.monotonicMs();
    const known = this.#buckets.get(key);
    const left = known ? Math.min(burst, known.left + ((atMs - known.atMs) / refillMs) * burst) : burst;
    return { left, atMs };
  }

  #makeRoom(nowMs: number): void {
    if (this.#buckets.size < keysMax) return;
    for (const [key, { atMs }] of this.#buckets) {
      if (nowMs - atMs < this.#limits.refillMs && this.#buckets.size < keysMax) return;
      this.#buckets.delete(key);
    }
  }
}
