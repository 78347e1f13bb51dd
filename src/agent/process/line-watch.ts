/**
 * Who is at the other end of the lines of this node's tasks: their terminals, and pipes that wait for a reader. Hangs up one at
 * which nobody has been for as long as its task allows, so that shells whose people have vanished do not add up; hangup-delay.ts
 * decides when. Gives no input and reads no output.
 */
import { constants } from 'node:os';
import type { Journal } from '#agent/journal/journal.ts';
import { terminalRecord } from '#agent/journal/journal-records.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { type Attempts, isActive } from './attempts.ts';
import { hangupDelayMs } from './hangup-delay.ts';
import type { LiveAttempt } from './live-attempt.ts';
import { hangupAfterMsOf } from './stdio-fields.ts';
import type { SupervisorClient } from './supervisor-client.ts';
import { signalScopes } from './supervisor-messages.ts';

/** What the watch needs. */
export interface LineWatchParts {
  readonly attempts: Attempts;
  readonly journal: Journal;
  readonly supervisor: Pick<SupervisorClient, 'attach' | 'signal'>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Line {
  readonly live: LiveAttempt;
  readonly hangupAfterMs: number;
  people: number;
}

const timer = 'hangup';

/** All lines that may be hung up. */
export class LineWatch {
  readonly #parts: LineWatchParts;
  readonly #lines = new Map<string, Line>();
  #links = 0;

  constructor(parts: LineWatchParts) {
    this.#parts = parts;
  }

  /** Watches over the attempt until it is over, if it has a line that may be hung up. */
  add(live: LiveAttempt): void {
    const hangupAfterMs = hangupAfterMsOf(live.start.spec);
    if (hangupAfterMs === 0 || live.over.aborted) return;
    const line = { live, hangupAfterMs, people: 0 };
    this.#lines.set(live.id, line);
    live.over.addEventListener('abort', () => this.#lines.delete(live.id), { once: true });
    void live.settled.then(() => this.#review(line));
  }

  /** A session with the controller is up until the result is disposed of. */
  linked(): Disposable {
    const count = (change: number) => {
      this.#links += change;
      for (const line of this.#lines.values()) this.#review(line);
    };
    count(1);
    return { [Symbol.dispose]: () => count(-1) };
  }

  /** Somebody reads what comes from its line until the result is disposed of. */
  listen(live: LiveAttempt): Disposable {
    const line = this.#lines.get(live.id);
    const count = (change: number) => {
      if (!line) return;
      line.people += change;
      this.#review(line);
    };
    count(1);
    return { [Symbol.dispose]: () => count(-1) };
  }

  /** Somebody is at its line and writes, until the result is disposed of; that it is to stay was said by others. */
  take(live: LiveAttempt): Disposable {
    if (live.lineStays) void this.#note(live, false);
    return this.listen(live);
  }

  /** Whoever is at its line leaves and wants it to stay; resolves when that is on disk. */
  async leaveOpen(live: LiveAttempt): Promise<void> {
    if (this.#lines.has(live.id)) await this.#note(live, true);
  }

  async #note(live: LiveAttempt, stays: boolean): Promise<void> {
    live.lineStays = stays;
    const { taskId, attempt } = live.start;
    await this.#parts.journal.note(terminalRecord(taskId, attempt, stays));
  }

  #review({ live, hangupAfterMs, people }: Line): void {
    const delayMs = hangupDelayMs({
      hangupAfterMs,
      runs: live.life.attempt.pid !== 0 && isActive(live),
      people,
      stays: live.lineStays,
      linked: this.#links > 0,
    });
    if (delayMs === undefined) live.cancel(timer);
    else live.arm(timer, delayMs, this.#parts.clock, () => void this.#hangUp(live));
  }

  async #hangUp(live: LiveAttempt): Promise<void> {
    const { attempts, supervisor, log } = this.#parts;
    attempts.apply(live, { kind: 'hungUp' });
    log.info({ attempt: live.id }, 'nobody is at its terminal or pipes: they are hung up');
    try {
      using client = await supervisor.attach(live.id);
      await client.send('attachHangup', {});
      await supervisor.signal(live.id, constants.signals.SIGHUP, signalScopes.group);
    } catch (error) {
      // Its monitor is gone, and the line with it; or it is over.
      log.debug({ attempt: live.id, err: error }, 'a line was not hung up');
    }
  }
}
