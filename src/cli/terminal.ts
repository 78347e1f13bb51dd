/**
 * The keyboard of the person at the terminal: standard input in raw mode for as long as somebody has taken it, and as it
 * was afterwards. What is shown is the output's business.
 */
import type { ReadStream } from 'node:tty';
import type { Clock } from '#base/clock.ts';
import type { Output } from './output/output.ts';

/** A person who can be asked. */
export interface Terminal {
  /**
   * Shows `question` and waits for one of `keys`.
   *
   * @param timeoutMs default: however long it takes.
   * @returns the key; "interrupt" for Ctrl-C; undefined when `timeoutMs` have passed.
   */
  askKey(question: string, keys: string, timeoutMs?: number): Promise<string | undefined>;
  /**
   * Takes the keyboard: bytes come as they are typed, Ctrl-C too, and nothing is echoed. Dispose of the result to give it
   * back; twice is once.
   */
  takeKeys(onData: (data: Uint8Array) => void): Disposable;
}

const controlC = '\u0003';

/** The terminal that standard input is. */
export function createTerminal(input: ReadStream, out: Output, clock: Clock): Terminal {
  const takeKeys = (onData: (data: Uint8Array) => void): Disposable => {
    const wasRaw = input.isRaw;
    let taken = true;
    input.setRawMode(true);
    input.on('data', onData);
    input.resume();
    return {
      [Symbol.dispose]() {
        if (!taken) return;
        taken = false;
        input.off('data', onData);
        input.setRawMode(wasRaw);
        input.pause();
      },
    };
  };
  return {
    takeKeys,
    askKey(question, keys, timeoutMs) {
      out.err(question);
      return new Promise((resolve) => {
        const finish = (key: string | undefined) => {
          timer?.[Symbol.dispose]();
          keyboard[Symbol.dispose]();
          out.errLine('');
          resolve(key);
        };
        const timer =
          timeoutMs === undefined ? undefined : clock.schedule(timeoutMs, () => finish(undefined));
        const keyboard = takeKeys((data) => {
          for (const key of Buffer.from(data).toString()) {
            if (key === controlC) return finish('interrupt');
            if (keys.includes(key.toLowerCase())) return finish(key.toLowerCase());
          }
        });
      });
    },
  };
}
