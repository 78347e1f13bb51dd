/**
 * Which addresses have failed so many TLS handshakes lately that they get less room for further ones. Less and not none: behind one
 * address there may be a whole site beside whoever misbehaves, and its nodes must come through. Only failures count, so that ten
 * thousand agents that come back from one address at once are nothing to it. Closes nothing itself.
 */
import type { Clock } from '#base/clock.ts';
import { limits } from '#protocol/limits.ts';

interface Failures {
  count: number;
  readonly sinceMs: number;
}

/** Counts them. */
export class FailedHandshakes {
  readonly #clock: Clock;
  /** By address, the one that began to fail longest ago first. */
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One has failed. */
  note(address: string | undefined): void {
    const key = networkOf(address);
    const known = this.#recent(key);
    if (known) known.count++;
    else this.#failures.set(key, { count: 1, sinceMs: this.#clock.monotonicMs() });
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > limits.failedHandshakeAddressesMax && !oldest.done) {
      this.#failures.delete(oldest.value);
    }
  }

  /** Whether an address gets less room now. */
  isSuspect(address: string | undefined): boolean {
    return (this.#recent(networkOf(address))?.count ?? 0) > limits.failedHandshakesMax;
  }

  #recent(key: string): Failures | undefined {
    const known = this.#failures.get(key);
    if (!known || this.#clock.monotonicMs() - known.sinceMs < limits.failedHandshakesMs) return known;
    this.#failures.delete(key);
    return undefined;
  }
}

/** An IPv4 address, and of IPv6 the network of 64 bits: of that one machine has as many as it likes. */
export function networkOf(address = ''): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - behind.length);
  return [...groups, ...Array<string>(zeros).fill('0'), ...behind].slice(0, 4).join(':');
}
