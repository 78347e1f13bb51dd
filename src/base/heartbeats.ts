/**
 * The heartbeats of one session, on either side: says when ours is due, and notices when nothing at all comes from the
 * other side. Owns no timer and no connection: one timer can look after ten thousand of these. Knows no message.
 */

/** Heartbeats of a herd are spread by so much of their interval, either way. */
const jitter = 0.2;

/** What heartbeats are made of, and what they do to their session. */
export interface HeartbeatsOptions {
  /** Milliseconds on a clock that never jumps ahead nor goes back. */
  readonly now: () => number;
  /** Evenly in [0, 1). */
  readonly random: () => number;
  /** Mean time between two of ours, milliseconds. */
  readonly intervalMs: number;
  /** So many intervals without a sign of the other side mean that it is gone; above 1.2, or a good one is cut. */
  readonly silentIntervalsMax: number;
  /** Sends our heartbeat: its number, from 1, the latest of the other side that it answers (0: none), and how long that was here. */
  readonly send: (sequence: bigint, answers: bigint, heldUs: bigint) => void;
  /** Our latest one was answered: it took so long there and back, milliseconds. */
  readonly onRoundTrip?: (ms: number) => void;
  /** The other side was silent for too long. The session must end, and with it the calls of `tick`. */
  readonly onSilence: (silentMs: number) => void;
}

/** What a heartbeat of the other side says. */
export interface ReceivedHeartbeat {
  readonly sequence: bigint;
  readonly answers: bigint;
  /** Undefined from a peer that does not tell. */
  readonly heldUs?: bigint;
}

/** Begin with their construction, as if something had just come. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  #heardMs: number;
  #nextMs: number;
  #sequence = 0n;
  #answers = 0n;
  /** The latest of ours whose answer was taken for a round trip. */
  #answered = 0n;
  #receivedMs = 0;
  #sentMs = 0;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    this.#heardMs = options.now();
    // The first at any moment of the interval: a herd that came together does not beat together.
    this.#nextMs = this.#heardMs + options.random() * options.intervalMs;
  }

  /** Anything came from the other side. */
  heard(): void {
    this.#heardMs = this.#options.now();
  }

  /** A heartbeat came; our next one answers it. */
  received({ sequence, answers, heldUs }: ReceivedHeartbeat): void {
    const { now, onRoundTrip } = this.#options;
    const isAnswer = answers === this.#sequence && answers > 0n && answers !== this.#answered;
    this.#receivedMs = now();
    this.#answers = sequence;
    if (!isAnswer || heldUs === undefined) return;
    this.#answered = answers;
    onRoundTrip?.(Math.max(0, this.#receivedMs - this.#sentMs - Number(heldUs) / 1000));
  }

  /** Does what is due. Gives the time until something may be due again, milliseconds. */
  tick(): number {
    const { now, random, intervalMs, silentIntervalsMax, send, onSilence } = this.#options;
    const nowMs = now();
    const silentMs = nowMs - this.#heardMs;
    const silenceMaxMs = silentIntervalsMax * intervalMs;
    if (silentMs >= silenceMaxMs) {
      onSilence(silentMs);
      return silenceMaxMs;
    }
    if (nowMs >= this.#nextMs) {
      this.#nextMs = nowMs + intervalMs * (1 - jitter + 2 * jitter * random());
      this.#sequence += 1n;
      this.#sentMs = nowMs;
      send(this.#sequence, this.#answers, BigInt(Math.round((nowMs - this.#receivedMs) * 1000)));
    }
    return Math.min(this.#nextMs - nowMs, silenceMaxMs - silentMs);
  }
}
