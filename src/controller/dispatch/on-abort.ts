/**
 * Many waits on one signal. An EventTarget looks through all its listeners for each that is added or removed, so that ten
 * thousand nodes asked under one request's signal would cost fifty million steps: here a signal has one listener.
 */
const waits = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `callback` once when `signal`, not yet aborted, aborts. Dispose of the result to stop waiting; twice is once. */
export function onAbort(signal: AbortSignal, callback: () => void): Disposable {
  let callbacks = waits.get(signal);
  if (!callbacks) {
    const added = new Set<() => void>();
    signal.addEventListener('abort', () => callAll(added), { once: true });
    waits.set(signal, added);
    callbacks = added;
  }
  const own = () => callback();
  const all = callbacks.add(own);
  return { [Symbol.dispose]: () => void all.delete(own) };
}

function callAll(callbacks: Set<() => void>): void {
  const due = [...callbacks];
  callbacks.clear();
  for (const callback of due) callback();
}
