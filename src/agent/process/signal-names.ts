/** Signals by name and number, as this kernel has them. */
import { constants } from 'node:os';

/** Highest number of a signal on Linux. */
const signalMax = 64;

const numbers = new Map<string, number>(Object.entries(constants.signals));
const names = new Map<number, string>();
for (const [name, number] of numbers) {
  // SIGIOT, SIGPOLL and SIGUNUSED are second names.
  if (!names.has(number)) names.set(number, name);
}

/** Number of a signal such as "SIGTERM", or "SIG<n>" for those without a name; undefined where there is none. */
export function findSignal(name: string): number | undefined {
  const number = numbers.get(name) ?? Number(/^SIG([1-9]\d?)$/.exec(name)?.[1]);
  return number >= 1 && number <= signalMax ? number : undefined;
}

/** Name of a signal; "SIG<n>" for those without one. */
export function signalName(number: number): string {
  return names.get(number) ?? `SIG${number}`;
}
