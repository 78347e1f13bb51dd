/**
 * The sending half of a session, of either side: the frames of one turn of the event loop leave in one write, and wait here
 * while the peer takes none. A thousand exits that come together cost one system call. Knows no message.
 *
 *   write ──► queue ──once a turn, unless the stream is full──► stream
 */
import type { Writable } from 'node:stream';

/** What may wait, and what to do about it. Callbacks must not throw. */
export interface FrameWriterOptions {
  /** Frames that may wait in the queue. */
  readonly framesMax: number;
  /** Bytes that may wait in the queue. */
  readonly bytesMax: number;
  /**
   * More waits than may; called once, and nothing is taken any more. `waiting` says how much, as in "3 frames of 70 bytes".
   */
  readonly onOverflow: (waiting: string) => void;
  /** There is room again after `crowded` was true. */
  readonly onRoom?: () => void;
}

/** Where frames wait for their stream. */
export class FrameWriter {
  readonly #stream: Writable;
  readonly #options: FrameWriterOptions;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #scheduled = false;
  #full = false;
  #crowded = false;
  #ended = false;
  #waiting: (() => void)[] = [];
  readonly #endOfTurn = () => {
    this.#scheduled = false;
    this.#flush();
  };

  constructor(stream: Writable, options: FrameWriterOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on('drain', () => {
      this.#full = false;
      this.#flush();
    });
    stream.on('close', () => this.discard());
  }

  /**
   * Whether what can wait elsewhere should wait until `onRoom`: a sixteenth of `bytesMax` is queued, so that what cannot
   * wait still has room.
   */
  get crowded(): boolean {
    return this.#crowded;
  }

  /** Sends a frame at the end of this turn, or as soon as there is room. Without effect after `end` or `discard`. */
  write(frame: Buffer): void {
    if (this.#ended) return;
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    const { framesMax, bytesMax } = this.#options;
    if (this.#queue.length > framesMax || this.#queuedBytes > bytesMax) {
      this.#overflow();
      return;
    }
    if (this.#queuedBytes > bytesMax >> 4) this.#crowded = true;
    if (this.#scheduled || this.#full) return;
    this.#scheduled = true;
    setImmediate(this.#endOfTurn);
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
    if (!this.#stream.writable) this.discard();
    if (this.#full || this.#ended) return;
    if (this.#queue.length > 0) {
      const [first] = this.#queue;
      const bytes = this.#queue.length === 1 && first ? first : Buffer.concat(this.#queue);
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#full = !this.#stream.write(bytes);
    }
    if (this.#full) return;
    this.#wake();
    if (!this.#crowded) return;
    this.#crowded = false;
    this.#options.onRoom?.();
  }

  #overflow(): void {
    const waiting = `${this.#queue.length} frames of ${this.#queuedBytes} bytes`;
    this.discard();
    this.#options.onOverflow(waiting);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
