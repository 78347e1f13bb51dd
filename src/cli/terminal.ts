/**
 * Asking the person at the terminal for one key. Reads standard input in raw mode for as long as the question stands,
 * and leaves it as it was.
 */
import type { ReadStream } from 'node:tty';
import type { Clock } from '#base/clock.ts';
import type { Output } from './output/output.ts';

/** A person who can be asked. */
export interface Terminal {
  /**
   * Shows `question` and waits for one of `keys`.
   *
   * @returns the key; "interrupt" for Ctrl-C; undefined when `timeoutMs` have passed.
   */
  askKey(question: string, keys: string, timeoutMs: number): Promise<string | undefined>;
}

const controlC = '\u0003';

/** The terminal that standard input is. */
export function createTerminal(input: ReadStream, out: Output, clock: Clock): Terminal {
  return {
    askKey(question, keys, timeoutMs) {
      out.err(question);
      return new Promise((resolve) => {
        const wasRaw = input.isRaw;
        const finish = (key: string | undefined) => {
          timer[Symbol.dispose]();
          input.off('data', onData);
          input.setRawMode(wasRaw);
          input.pause();
          out.errLine('');
          resolve(key);
        };
        const onData = (data: Buffer) => {
          for (const key of data.toString()) {
            if (key === controlC) return finish('interrupt');
            if (keys.includes(key.toLowerCase())) return finish(key.toLowerCase());
          }
        };
        const timer = clock.schedule(timeoutMs, () => finish(undefined));
        input.setRawMode(true);
        input.on('data', onData);
        input.resume();
      });
    },
  };
}
