/**
 * Who is at the terminals of this node's tasks. Hangs up one that nobody has been at for as long as its task allows, so that
 * shells whose people have vanished do not add up; hangup-delay.ts decides when. Gives no input and reads no output.
 */
import type { Journal } from '#agent/journal/journal.ts';
import { terminalRecord } from '#agent/journal/journal-records.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { type Attempts, isActive } from './attempts.ts';
import { hangupDelayMs } from './hangup-delay.ts';
import type { LiveAttempt } from './live-attempt.ts';
import type { SupervisorClient } from './supervisor-client.ts';

/** What the watch needs. */
export interface TerminalWatchParts {
  readonly attempts: Attempts;
  readonly journal: Journal;
  readonly supervisor: Pick<SupervisorClient, 'attach'>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Seat {
  readonly live: LiveAttempt;
  readonly hangupAfterMs: number;
  people: number;
}

const timer = 'hangup';

/** All terminals that may be hung up. */
export class TerminalWatch {
  readonly #parts: TerminalWatchParts;
  readonly #seats = new Map<string, Seat>();
  #links = 0;

  constructor(parts: TerminalWatchParts) {
    this.#parts = parts;
  }

  /** Watches over the attempt, if it has a terminal that may be hung up, until it is over. */
  add(live: LiveAttempt): void {
    const hangupAfterMs = Number(live.start.spec?.terminal?.hangupAfterMs ?? 0n);
    if (hangupAfterMs === 0 || live.over.aborted) return;
    const seat = { live, hangupAfterMs, people: 0 };
    this.#seats.set(live.id, seat);
    live.over.addEventListener('abort', () => this.#seats.delete(live.id), { once: true });
    void live.settled.then(() => this.#review(seat));
  }

  /** A session with the controller is up until the result is disposed of. */
  linked(): Disposable {
    this.#links += 1;
    for (const seat of this.#seats.values()) this.#review(seat);
    return {
      [Symbol.dispose]: () => {
        this.#links -= 1;
        for (const seat of this.#seats.values()) this.#review(seat);
      },
    };
  }

  /** Somebody is at its terminal until the result is disposed of. */
  attend(live: LiveAttempt): Disposable {
    const seat = this.#seats.get(live.id);
    if (!seat) return { [Symbol.dispose]() {} };
    seat.people += 1;
    if (live.terminalStays) void this.#note(live, false);
    this.#review(seat);
    return {
      [Symbol.dispose]: () => {
        seat.people -= 1;
        this.#review(seat);
      },
    };
  }

  /** Whoever is at its terminal leaves and wants it to stay; resolves when that is on disk. */
  async leaveOpen(live: LiveAttempt): Promise<void> {
    if (this.#seats.has(live.id)) await this.#note(live, true);
  }

  async #note(live: LiveAttempt, stays: boolean): Promise<void> {
    live.terminalStays = stays;
    const { taskId, attempt } = live.start;
    await this.#parts.journal.note(terminalRecord(taskId, attempt, stays));
  }

  #review({ live, hangupAfterMs, people }: Seat): void {
    const runs = live.life.attempt.pid !== 0 && isActive(live);
    const delayMs = hangupDelayMs({
      hangupAfterMs,
      runs,
      people,
      stays: live.terminalStays,
      linked: this.#links > 0,
    });
    if (delayMs === undefined) live.cancel(timer);
    else live.arm(timer, delayMs, this.#parts.clock, () => void this.#hangUp(live));
  }

  async #hangUp(live: LiveAttempt): Promise<void> {
    const { attempts, supervisor, log } = this.#parts;
    attempts.apply(live, { kind: 'hungUp' });
    log.info({ attempt: live.id }, 'nobody is at its terminal: it is hung up');
    try {
      using client = await supervisor.attach(live.id);
      await client.send('attachHangup', {});
    } catch (error) {
      // Its monitor is gone, and the terminal with it.
      log.debug({ attempt: live.id, err: error }, 'a terminal was not hung up');
    }
  }
}
