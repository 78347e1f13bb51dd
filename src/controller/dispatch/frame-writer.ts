/**
 * The outgoing side of a session: frames of one turn go out in one write, and wait here while the peer takes none.
 * Knows no message.
 *
 *   write ──► queue ──once a turn, unless the stream is full──► stream
 */
import type { Writable } from 'node:stream';
import { limits } from '#protocol/limits.ts';

/** Where frames wait for their stream. */
export class FrameWriter {
  readonly #stream: Writable;
  readonly #onTooSlow: (reason: string) => void;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #scheduled = false;
  #full = false;
  #ended = false;
  #waiting: (() => void)[] = [];

  /** @param onTooSlow called once when more waits than limits.sessionQueueMax frames or limits.sessionQueueBytesMax. */
  constructor(stream: Writable, onTooSlow: (reason: string) => void) {
    this.#stream = stream;
    this.#onTooSlow = onTooSlow;
    stream.on('drain', () => {
      this.#full = false;
      this.#flush();
    });
    stream.on('close', () => this.discard());
  }

  /** Sends a frame at the end of this turn, or as soon as there is room. Without effect after `end` or `discard`. */
  write(frame: Buffer): void {
    if (this.#ended) return;
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    if (this.#queue.length > limits.sessionQueueMax || this.#queuedBytes > limits.sessionQueueBytesMax) {
      const waiting = `${this.#queue.length} commands of ${this.#queuedBytes} bytes`;
      this.discard();
      this.#onTooSlow(`it is too slow: ${waiting} wait for it`);
      return;
    }
    if (this.#scheduled || this.#full) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Resolves when everything so far was handed to the stream and it would take more, or when it is over. */
  async flushed(): Promise<void> {
    if (this.#ended || (this.#queue.length === 0 && !this.#full)) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Writes what waits, whether there is room or not, and ends the stream. */
  end(): void {
    if (this.#ended) return;
    const rest = Buffer.concat(this.#queue);
    this.discard();
    this.#stream.end(rest);
  }

  /** Forgets what waits and takes no more. */
  discard(): void {
    this.#ended = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#wake();
  }

  #flush(): void {
    if (this.#full || this.#ended) return;
    if (this.#queue.length > 0) {
      const [first] = this.#queue;
      const bytes = this.#queue.length === 1 && first ? first : Buffer.concat(this.#queue);
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#full = !this.#stream.write(bytes);
    }
    if (!this.#full) this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
