/** Work that comes back, by a clock that tests can own. */
import type { Clock } from '#base/clock.ts';

/** Calls `work` every `intervalMs` until disposed of; the first time after one interval. */
export function repeat(clock: Clock, intervalMs: number, work: () => void): Disposable {
  let timer: Disposable;
  const again = () => {
    timer = clock.schedule(intervalMs, () => {
      again();
      work();
    });
  };
  again();
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
