/** Keys at a terminal, one after the other, and when each appears. script(1) of util-linux makes the terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '#bench/measure/statistics.ts';
import type { Contestant } from '#bench/measure/take-turns.ts';

/** Times from a key to its echo, milliseconds. */
export interface Echoed {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Between an echo and the next key: everybody on the way sleeps again. Faster than anybody types. */
const pauseMs = 10;

const alphabet = 'abcdefghijklmnopqrstuvwxyz';

/** A shell line at a terminal that stays; each round types so many keys. */
export async function enterTyping(line: string, keys: number): Promise<Contestant<Echoed>> {
  const child = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const echo = new Echo(child.stdout);
  // Where the command is there, its terminal echoes.
  child.stdin.write('!');
  await echo.of('!');
  return {
    async measure() {
      const times: number[] = [];
      for (let i = 0; i < keys; i++) {
        const key = alphabet.charAt(i % alphabet.length);
        const from = performance.now();
        child.stdin.write(key);
        await echo.of(key);
        times.push(performance.now() - from);
        await sleep(pauseMs);
      }
      // The line ends: a terminal takes only so long a one.
      child.stdin.write('\n');
      await echo.of('\n');
      await sleep(pauseMs);
      echo.forget();
      return { p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) };
    },
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}

/** What has appeared. */
class Echo {
  #shown = '';
  #news = Promise.withResolvers<void>();

  constructor(output: Readable) {
    output.setEncoding('latin1').on('data', (text: string) => {
      this.#shown += text;
      this.#news.resolve();
    });
  }

  /** Waits until that key appears, behind what was awaited before. */
  async of(key: string): Promise<void> {
    for (;;) {
      const at = this.#shown.indexOf(key);
      if (at >= 0) {
        this.#shown = this.#shown.slice(at + 1);
        return;
      }
      await this.#news.promise;
      this.#news = Promise.withResolvers();
    }
  }

  forget(): void {
    this.#shown = '';
  }
}
