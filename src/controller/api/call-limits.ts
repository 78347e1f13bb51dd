/**
 * How often one may knock and call. Tokens that were not good are counted by address and by the token they claim to be; above the
 * limit none is looked at any more but those that were good a while ago, so that a crowd behind one address is not shut out by
 * somebody in it. Calls are counted by user, but for those from this machine. In memory: a controller that starts anew knows of none.
 */

import { type ContextKey, createContextKey } from '@connectrpc/connect';
import type { Clock } from '#base/clock.ts';
import { TokenBuckets } from '#base/token-buckets.ts';
import type { Authenticator } from '#controller/auth/authenticator.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import { parseUserToken } from '#controller/auth/user-tokens.ts';
import { RefusedError } from '#protocol/errors.ts';
import { limits } from '#protocol/limits.ts';

/** Where the listener leaves the address that a call comes from. */
export const peerKey: ContextKey<string> = createContextKey('', { description: 'peer address' });

/** Hashes of tokens that were good, and when, monotonic; the latest that so many are. */
const goodMax = 10_000;
/** So long a token that was good is looked at whatever comes from its address. */
const goodMs = 600_000;

/** One listener's. */
export class CallLimits {
  readonly #clock: Clock;
  readonly #authenticator: Authenticator;
  readonly #failures: TokenBuckets;
  readonly #calls: TokenBuckets;
  readonly #good = new Map<string, number>();

  constructor({ clock, authenticator }: { readonly clock: Clock; readonly authenticator: Authenticator }) {
    this.#clock = clock;
    this.#authenticator = authenticator;
    this.#failures = new TokenBuckets(clock, { burst: limits.loginsPerMinute, refillMs: 60_000 });
    this.#calls = new TokenBuckets(clock, { burst: limits.userCallsPerSecond, refillMs: 1_000 });
  }

  /**
   * Whose token this is, as the authenticator says, within the limits.
   *
   * @param address that it comes from.
   * @throws RefusedError LIMIT
   */
  async authenticate(text: string, address: string): Promise<Operator | undefined> {
    const token = parseUserToken(text);
    if (!token) return undefined;
    const keys = [`address ${address}`, `token ${token.id}`];
    if (!this.#wasGood(token.secretHash)) this.#requireLeft(keys);
    const operator = await this.#authenticator.authenticate(text);
    if (!operator) {
      this.#good.delete(token.secretHash);
      for (const key of keys) this.#failures.take(key);
      return undefined;
    }
    this.#noteGood(token.secretHash);
    if (!isLoopback(address) && !this.#calls.take(operator.name)) {
      const most = limits.userCallsPerSecond;
      throw new RefusedError(
        'LIMIT',
        `${operator.name} calls more than ${most} times a second: call less often`,
      );
    }
    return operator;
  }

  /** Takes a try to log in otherwise than by a token. @throws RefusedError LIMIT */
  takeLogin(address: string): void {
    const key = `address ${address}`;
    this.#requireLeft([key]);
    this.#failures.take(key);
  }

  #requireLeft(keys: readonly string[]): void {
    if (keys.every((key) => this.#failures.hasLeft(key))) return;
    const most = limits.loginsPerMinute;
    throw new RefusedError(
      'LIMIT',
      `more than ${most} tries to log in within a minute: wait for some seconds`,
    );
  }

  #wasGood(hash: string): boolean {
    return this.#clock.monotonicMs() - (this.#good.get(hash) ?? Number.NEGATIVE_INFINITY) < goodMs;
  }

  #noteGood(hash: string): void {
    this.#good.delete(hash);
    const [oldest] = this.#good.keys();
    if (this.#good.size >= goodMax && oldest !== undefined) this.#good.delete(oldest);
    this.#good.set(hash, this.#clock.monotonicMs());
  }
}

/** Whether a call comes from this machine. */
function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}
