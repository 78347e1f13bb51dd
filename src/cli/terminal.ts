/**
 * The keyboard of the person at the terminal: standard input in raw mode for as long as somebody has taken it, and as it
 * was afterwards. Of several takers the latest has it; when that one gives it back, the one before has it again. What is
 * shown is the output's business.
 */
import { spawnSync } from 'node:child_process';
import type { ReadStream } from 'node:tty';
import { type Clock, delay } from '#base/clock.ts';
import type { Output } from './output/output.ts';

/** A person who can be asked. */
export interface Terminal {
  /**
   * Shows `question` and waits for one of `keys`.
   *
   * @param timeoutMs default: however long it takes.
   * @returns the key; "interrupt" for Ctrl-C; undefined when `timeoutMs` have passed or the terminal went away.
   */
  askKey(question: string, keys: string, timeoutMs?: number): Promise<string | undefined>;
  /**
   * Shows `question` and waits for a line, which is shown as it is typed. An empty one is an answer too.
   *
   * @returns the line without its end; "interrupt" for Ctrl-C; undefined when `timeoutMs` have passed or the terminal went away.
   */
  askLine(question: string, timeoutMs: number): Promise<string | undefined>;
  /** As askLine, for what nobody is to read over a shoulder: nothing is shown of it. */
  askSecret(question: string, timeoutMs: number): Promise<string | undefined>;
  /**
   * Takes the keyboard: bytes come as they are typed, Ctrl-C too, and nothing is echoed. Dispose of the result to give it
   * back; twice is once.
   *
   * @param onEnd the terminal went away: nothing comes any more.
   */
  takeKeys(onData: (data: Uint8Array) => void, onEnd?: () => void): Disposable;
  /** Leaves the keyboard to another program, in the mode that the terminal had at first, until the result is disposed of. */
  lendKeys(): Disposable;
  /** Stops this program as Ctrl-Z does; resolves when it goes on. */
  suspend(): Promise<void>;
  /**
   * Takes the keyboard for what runs at a terminal of its own: what is printed is not changed here either meanwhile, so that a
   * line feed goes down and nowhere else.
   */
  takeLine(onData: (data: Uint8Array) => void, onEnd?: () => void): Disposable;
}

const controlC = '\u0003';
const backspace = '\b';
const rubout = '\u007f';

/** Within so many milliseconds of its running the process has been stopped, and is going on again. */
const stopMs = 50;

/** Somebody who has the keyboard, or to whom another program's having it matters. */
interface Holder {
  /** Undefined: another program reads. */
  readonly onData: ((data: Uint8Array) => void) | undefined;
  readonly onEnd: () => void;
}

/** Standard input, and who has it. */
class Keyboard {
  readonly #input: ReadStream;
  readonly #clock: Clock;
  readonly #holders: Holder[] = [];
  #ended = false;

  constructor(input: ReadStream, clock: Clock) {
    this.#input = input;
    this.#clock = clock;
  }

  take(holder: Holder): Disposable {
    if (this.#holders.length === 0) this.#listen();
    this.#holders.push(holder);
    this.#apply();
    if (this.#ended) queueMicrotask(holder.onEnd);
    return {
      [Symbol.dispose]: () => {
        const index = this.#holders.indexOf(holder);
        if (index === -1) return;
        this.#holders.splice(index, 1);
        this.#apply();
        if (this.#holders.length === 0) this.#input.off('data', this.#onData);
      },
    };
  }

  async suspend(): Promise<void> {
    this.#setRaw(false);
    // The whole job, as the terminal itself would. Where no shell could continue it, the kernel does not stop it either.
    process.kill(0, 'SIGTSTP');
    await delay(this.#clock, stopMs);
    this.#apply();
  }

  #listen(): void {
    this.#input.on('data', this.#onData);
    if (this.#input.listenerCount('end', this.#onEnd) > 0) return;
    this.#input.on('end', this.#onEnd).on('error', this.#onEnd);
  }

  readonly #onData = (data: Uint8Array): void => this.#holders.at(-1)?.onData?.(data);

  readonly #onEnd = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    for (const { onEnd } of [...this.#holders]) onEnd();
  };

  #apply(): void {
    const reads = this.#holders.at(-1)?.onData !== undefined;
    this.#setRaw(reads);
    if (reads) this.#input.resume();
    else this.#input.pause();
  }

  #setRaw(raw: boolean): void {
    if (!this.#ended && this.#input.isRaw !== raw) this.#input.setRawMode(raw);
  }
}

/** The terminal that standard input is. */
export function createTerminal(input: ReadStream, out: Output, clock: Clock): Terminal {
  const keyboard = new Keyboard(input, clock);
  const takeKeys: Terminal['takeKeys'] = (onData, onEnd = () => {}) => keyboard.take({ onData, onEnd });
  return {
    takeKeys,
    lendKeys: () => keyboard.take({ onData: undefined, onEnd: () => {} }),
    suspend: () => keyboard.suspend(),
    takeLine(onData, onEnd) {
      const taken = takeKeys(onData, onEnd);
      changeTerminal(input, '-opost');
      return {
        [Symbol.dispose]() {
          changeTerminal(input, 'opost');
          taken[Symbol.dispose]();
        },
      };
    },
    askKey: (question, keys, timeoutMs) =>
      ask(question, timeoutMs, (key) => {
        if (key === controlC) return 'interrupt';
        return keys.includes(key.toLowerCase()) ? key.toLowerCase() : undefined;
      }),
    askLine: (question, timeoutMs) => askLine(question, timeoutMs, (shown) => out.err(shown)),
    askSecret: (question, timeoutMs) => askLine(question, timeoutMs, () => {}),
  };

  /** @param echo shows what is typed. */
  function askLine(question: string, timeoutMs: number, echo: (shown: string) => void) {
    let line = '';
    return ask(question, timeoutMs, (key) => {
      if (key === controlC) return 'interrupt';
      if (key === '\r' || key === '\n') return line;
      const isErase = key === backspace || key === rubout;
      if (isErase && line !== '') echo('\b \b');
      if (isErase) line = line.slice(0, -1);
      if (key < ' ' || isErase) return undefined;
      line += key;
      echo(key);
      return undefined;
    });
  }

  /** @param take is given each key, and gives the answer once there is one. */
  function ask(
    question: string,
    timeoutMs: number | undefined,
    take: (key: string) => string | undefined,
  ): Promise<string | undefined> {
    out.err(question);
    return new Promise((resolve) => {
      const finish = (answer: string | undefined) => {
        timer?.[Symbol.dispose]();
        taken[Symbol.dispose]();
        out.errLine('');
        resolve(answer);
      };
      const timer = timeoutMs === undefined ? undefined : clock.schedule(timeoutMs, () => finish(undefined));
      const taken = takeKeys(
        (data) => {
          for (const key of Buffer.from(data).toString()) {
            const answer = take(key);
            if (answer !== undefined) return finish(answer);
          }
        },
        () => finish(undefined),
      );
    });
  }
}

/** Node's raw mode leaves the output's mode as it is. Without stty(1), programs that rely on theirs look a little wrong. */
function changeTerminal(input: ReadStream, mode: string): void {
  spawnSync('stty', [mode], { stdio: [input, 'ignore', 'ignore'] });
}
