/** How far a run is, on the last line of the terminal: redrawn in place below the output, and gone at the end. */
import type { Clock } from '#base/clock.ts';
import type { Output } from '#cli/output/output.ts';
import { endingOf } from '#core/outcome.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

/** A run that is over sooner shows none. */
const firstDrawMs = 1_000;
/** Ten a second are as good as more to the eye. */
const drawMs = 100;

/** `12 done · 3 running · 1 failed · 84 left`: done are those that succeeded, left those that have not started. */
export function describeProgress(tasks: Iterable<Task>): string {
  const counts = { done: 0, running: 0, failed: 0, left: 0 };
  for (const { state, outcome } of tasks) {
    if (state === TaskState.PENDING) counts.left += 1;
    else if (state !== TaskState.ENDED) counts.running += 1;
    else if (outcome && endingOf(outcome) === 'succeeded') counts.done += 1;
    else counts.failed += 1;
  }
  return Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(' · ');
}

/** Draws until it is disposed of; nothing where the output is no terminal. */
export class Progress implements Disposable {
  readonly #out: Output;
  readonly #clock: Clock;
  readonly #tasks: ReadonlyMap<string, Task>;
  #timer: Disposable | undefined;

  /** @param tasks kept up to date by the caller. */
  constructor(out: Output, clock: Clock, tasks: ReadonlyMap<string, Task>) {
    this.#out = out;
    this.#clock = clock;
    this.#tasks = tasks;
    if (out.movesCursor) this.#drawIn(firstDrawMs);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#out.showStatus('');
  }

  #drawIn(delayMs: number): void {
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#out.showStatus(describeProgress(this.#tasks.values()));
      this.#drawIn(drawMs);
    });
  }
}
