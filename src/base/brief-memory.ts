/**
 * Answers that cost something to get, by a key, good for a moment: whoever asks meanwhile is given the same one, so that a
 * burst of the same questions asks once. Keeps nothing for longer and not much of it.
 */
import type { Clock } from './clock.ts';

/** Answers that are remembered at once. */
const answersMax = 256;

/** Longer keys are not remembered: 256 of them would be more memory than they are worth. */
const keyCharsMax = 4_096;

interface Remembered<T> {
  readonly answer: Promise<T>;
  readonly atMs: number;
}

/** Remembers briefly. */
export class BriefMemory<T> {
  readonly #clock: Clock;
  readonly #freshMs: number;
  readonly #remembered = new Map<string, Remembered<T>>();

  /** @param freshMs so long an answer is good for, milliseconds, from the question on. */
  constructor(clock: Clock, freshMs: number) {
    this.#clock = clock;
    this.#freshMs = freshMs;
  }

  /** The answer for `key`: that of `ask` unless there is one. What rejects is remembered too. */
  recall(key: string, ask: () => Promise<T>): Promise<T> {
    if (key.length > keyCharsMax) return ask();
    const nowMs = this.#clock.monotonicMs();
    const known = this.#remembered.get(key);
    if (known && nowMs - known.atMs < this.#freshMs) return known.answer;
    if (this.#remembered.size >= answersMax) this.#remembered.clear();
    const answer = ask();
    this.#remembered.set(key, { answer, atMs: nowMs });
    return answer;
  }
}
