/** Whether the frames that arrive in a session are all that were sent, in their order. Knows no message. */
import { FrameError } from './grpc-frames.ts';

/** Follows the frames of one direction of one session. */
export class FrameNumbers {
  #last = 0n;

  /**
   * A frame has come.
   *
   * @param number as its sender has numbered it, from 1; 0 where that does not number its frames.
   * @throws FrameError when it is not the one after the last.
   */
  take(number: bigint): void {
    if (number === 0n && this.#last === 0n) return;
    if (number !== this.#last + 1n) {
      throw new FrameError(`frame ${number} came after frame ${this.#last}`);
    }
    this.#last = number;
  }
}
