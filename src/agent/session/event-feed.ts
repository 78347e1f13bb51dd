/**
 * The workload's events on their way into one session. While the session is crowded they stay where they are safe, in
 * the journal, and are taken up again from the last that was sent: the backlog of a long outage never is in memory.
 */

import type { Workload } from '#agent/workload.ts';
import type { Event } from '#protocol/gen/drover/v1/link_pb.ts';

/** Where events go. */
export interface EventSink {
  /** Whether to send no more until `resume` is called. */
  readonly crowded: boolean;
  send(event: Event): void;
}

/** Feeds one session from its Welcome to its end. */
export class EventFeed implements Disposable {
  readonly #workload: Workload;
  readonly #sink: EventSink;
  #sent: bigint;
  #paused = false;
  #subscription: Disposable;

  /** Begins at once, with what the controller has not acknowledged: everything after `acknowledged`. */
  constructor(workload: Workload, acknowledged: bigint, sink: EventSink) {
    this.#workload = workload;
    this.#sink = sink;
    this.#sent = acknowledged;
    this.#subscription = this.#listen();
  }

  /** The sink has room again. */
  resume(): void {
    if (!this.#paused) return;
    this.#subscription[Symbol.dispose]();
    this.#paused = false;
    this.#subscription = this.#listen();
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  #listen(): Disposable {
    return this.#workload.listen(this.#sent, (event) => this.#take(event));
  }

  #take(event: Event): void {
    if (this.#paused) return;
    this.#sink.send(event);
    // One that is sent again has an older number.
    if (event.sequence > this.#sent) this.#sent = event.sequence;
    this.#paused = this.#sink.crowded;
  }
}
