/**
 * Whether the controller is to stop. Turned by the Shutdown call. `closed` keeps new runs out while their predecessors
 * are being stopped, and can be opened again if that is called off; a stop that was requested cannot.
 */
import { RefusedError } from '#protocol/errors.ts';

/** One controller's way to its end: open ⇄ closed (no new runs) → stopping. */
export class StopSwitch {
  #closed = false;
  #stopping = false;
  readonly #requested = Promise.withResolvers<void>();

  /** Resolves when the controller is to stop. */
  get requested(): Promise<void> {
    return this.#requested.promise;
  }

  /** Whether runs are taken. */
  get open(): boolean {
    return !this.#closed;
  }

  /** From now on no run is taken any more. */
  close(): void {
    this.#closed = true;
  }

  /** Takes `close` back. Does nothing once a stop was requested. */
  reopen(): void {
    this.#closed = this.#stopping;
  }

  /** The controller is to stop now. Twice is once. */
  request(): void {
    this.#closed = true;
    this.#stopping = true;
    this.#requested.resolve();
  }

  /** @throws RefusedError STOPPING once it is closed. */
  requireOpen(): void {
    if (this.#closed) throw new RefusedError('STOPPING', 'the controller is stopping and takes no new runs');
  }
}
