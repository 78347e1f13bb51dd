/**
 * How many bytes of logs one connection has under way, so that on a slow link they do not stand in front of everything else. What was
 * written is under way until the answer to a PING that was sent behind it: HTTP/2's windows do not help, since they are as large as a
 * fast link needs, which on a slow one is half a minute. Sends no byte itself.
 *
 *   admit ──► (the caller writes) ──► sent ──half a window──► PING ──► answer: room again, and a window that fits the link
 */
import type { Clock } from '#base/clock.ts';
import { limits } from '#protocol/limits.ts';

/** Less is not worth a packet's header, and with the slowest links that we know leaves no gap between two pings. */
const windowMin = 8 << 10;

/** What a log may write at once however many there are. */
const sliceMin = 1 << 10;

/** Doubled with every answer on a fast link: a window that is too small lasts for some round trips. */
const windowFirst = 64 << 10;

/** Bytes that wait longer than this on the way are too many; those that wait less than half of it are not. Milliseconds. */
const queueMaxMs = 250;

/** What the pace of a connection needs. */
export interface PushPaceOptions {
  readonly clock: Clock;
  /** Sends a PING, and calls back when it was answered or never will be. One at a time is asked for. */
  readonly ping: (answered: () => void) => void;
}

/** One connection's, for all logs on it together. */
export class PushPace {
  readonly #options: PushPaceOptions;
  #window: number = windowFirst;
  #logs = 0;
  /** Has left, and not behind an answered PING. */
  #underWay = 0;
  /** Of that, what the PING that is out will answer for; undefined where none is. */
  #asked: number | undefined;
  /** The quickest answer so far: what the way takes when nothing waits on it. The first PING goes out before any byte. */
  #quickestMs = Number.POSITIVE_INFINITY;
  #waiting: (() => void)[] = [];

  constructor(options: PushPaceOptions) {
    this.#options = options;
  }

  /** Bytes that may be under way. */
  get window(): number {
    return this.#window;
  }

  /** A log takes part, until this is disposed of. */
  join(): Disposable {
    this.#logs++;
    return { [Symbol.dispose]: () => void this.#logs-- };
  }

  /**
   * Resolves with how many bytes this log may write, before it asks again. Nothing is reserved for it: a log whose reader takes
   * nothing would hold up the others. So all of them together may have twice the window under way; where that is as large as it
   * can be, HTTP/2's windows are the limit, and small writes would only cost.
   */
  async admit(): Promise<number> {
    if (this.#quickestMs === Number.POSITIVE_INFINITY) this.#ask();
    while (this.#underWay >= this.#window) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#window === limits.linkConnectionWindowBytes) return this.#window;
    return Math.max(sliceMin, Math.floor(this.#window / this.#logs));
  }

  /** So many bytes have left. */
  sent(bytes: number): void {
    this.#underWay += bytes;
    this.#askInTime();
  }

  #askInTime(): void {
    if (this.#underWay >= this.#window / 2) this.#ask();
  }

  #ask(): void {
    if (this.#asked !== undefined) return;
    const { clock, ping } = this.#options;
    this.#asked = this.#underWay;
    const askedMs = clock.monotonicMs();
    ping(() => this.#answer(clock.monotonicMs() - askedMs));
  }

  #answer(tookMs: number): void {
    const asked = this.#asked ?? 0;
    this.#asked = undefined;
    this.#quickestMs = Math.min(this.#quickestMs, tookMs);
    if (asked > 0) this.#window = fitWindow(this.#window, tookMs - this.#quickestMs);
    this.#underWay -= asked;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    this.#askInTime();
  }
}

/** The next window, where bytes have waited `queuedMs` longer than the way takes. */
export function fitWindow(window: number, queuedMs: number): number {
  if (queuedMs > queueMaxMs) return Math.max(windowMin, window / 2);
  return queuedMs < queueMaxMs / 2 ? Math.min(limits.linkConnectionWindowBytes, window * 2) : window;
}
