/** The heartbeats of one session: sends ours, and notices when nothing at all comes from the other side. */
import { create } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import { type Heartbeat, HeartbeatSchema } from '#protocol/gen/drover/v1/link_pb.ts';

/** Silence after which a connection is taken for dead, in intervals: two lost heartbeats and some slack. */
const silentIntervals = 2.5;

/** What heartbeats do to their session. */
export interface HeartbeatOptions {
  readonly clock: Clock;
  /** From Welcome, milliseconds. */
  readonly intervalMs: number;
  readonly send: (heartbeat: Heartbeat) => void;
  /** Called once, after 2.5 silent intervals. */
  readonly onSilence: (silentMs: number) => void;
}

/** Runs from construction until disposed of. */
export class Heartbeats implements Disposable {
  readonly #options: HeartbeatOptions;
  #heardAtMs: number;
  #sequence = 0n;
  #answers = 0n;
  #beat: Disposable;
  #watch: Disposable;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#heardAtMs = options.clock.monotonicMs();
    this.#beat = this.#scheduleBeat();
    this.#watch = this.#scheduleWatch(this.#silenceMaxMs);
  }

  /** Anything came from the other side. */
  heard(): void {
    this.#heardAtMs = this.#options.clock.monotonicMs();
  }

  /** A heartbeat came; our next one answers it. */
  received(heartbeat: Heartbeat): void {
    this.#answers = heartbeat.sequence;
  }

  [Symbol.dispose](): void {
    this.#beat[Symbol.dispose]();
    this.#watch[Symbol.dispose]();
  }

  get #silenceMaxMs(): number {
    return this.#options.intervalMs * silentIntervals;
  }

  #scheduleBeat(): Disposable {
    return this.#options.clock.schedule(this.#options.intervalMs, () => {
      this.#sequence += 1n;
      this.#beat = this.#scheduleBeat();
      this.#options.send(create(HeartbeatSchema, { sequence: this.#sequence, answers: this.#answers }));
    });
  }

  #scheduleWatch(delayMs: number): Disposable {
    return this.#options.clock.schedule(delayMs, () => {
      const silentMs = this.#options.clock.monotonicMs() - this.#heardAtMs;
      if (silentMs >= this.#silenceMaxMs) this.#options.onSilence(silentMs);
      else this.#watch = this.#scheduleWatch(this.#silenceMaxMs - silentMs);
    });
  }
}
