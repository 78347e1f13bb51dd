/**
 * A terminal that was changed (raw mode, another screen) must not stay so when the program ends by something that unwinds
 * nothing: an exit elsewhere, or a signal that nobody listens to. SIGKILL cannot be helped.
 */

/** Signals whose default would end the program as it stands. SIGINT has a listener of the program's own. */
const endings = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Calls `restore`, which must be synchronous and safe to call twice, if the process ends before the result is disposed of. A
 * signal then does what it would have done.
 */
export function restoreAtEnd(restore: () => void): Disposable {
  const onSignal = (signal: NodeJS.Signals) => {
    const others = process.listenerCount(signal) > 1;
    stop();
    restore();
    if (!others) process.kill(process.pid, signal);
  };
  const stop = () => {
    process.off('exit', restore);
    for (const signal of endings) process.off(signal, onSignal);
  };
  process.on('exit', restore);
  for (const signal of endings) process.on(signal, onSignal);
  return { [Symbol.dispose]: stop };
}
