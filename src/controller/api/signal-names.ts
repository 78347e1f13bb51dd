/** Names of signals as people write them and as the protocol has them. */
import { constants } from 'node:os';

/** "SIGTERM" for "SIGTERM", "TERM" or "term"; undefined where Linux has no such signal. */
export function canonicalSignal(name: string): string | undefined {
  const upper = name.toUpperCase();
  const full = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  return Object.hasOwn(constants.signals, full) ? full : undefined;
}
