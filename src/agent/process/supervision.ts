/**
 * What the supervisor tells, set against what the journal knows.
 *
 * RECOVERY. What the journal has and the supervisor has goes on as the supervisor says. What the journal took on and the
 * supervisor does not know was certainly not started, if it is the same boot, since the supervisor claims an attempt before
 * it forks and keeps it until acknowledged: it is started now, or not-started when its time is over. Unless there is an output of
 * it: then the journal has lost its end, which nobody knows. In another boot nobody knows either: unknown(reboot). What the
 * supervisor has and the journal lost is adopted: nobody knows any more what was to be run and how it was to be stopped, but it is
 * watched, told and stopped, with the defaults of all that, and not restarted.
 */
import { constants } from 'node:os';
import type { Journal } from '#agent/journal/journal.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { parseAttemptId } from '#protocol/ids.ts';
import { inputsOfStatus } from './attempt-inputs.ts';
import type { Attempts } from './attempts.ts';
import type { LiveAttempt } from './live-attempt.ts';
import { restoreAttempt } from './restore-attempt.ts';
import type { SupervisorClient, SupervisorListener } from './supervisor-client.ts';
import type { SupervisorNotice } from './supervisor-connection.ts';
import { type AttemptStatus, type SupervisorBody, signalScopes } from './supervisor-messages.ts';

/** Attempts that one line of the log names. */
const namedMax = 20;

/** What supervision needs. */
export interface SupervisionParts {
  readonly journal: Journal;
  readonly attempts: Attempts;
  readonly supervisor: SupervisorClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The ear at the supervisor. */
export class Supervision implements SupervisorListener {
  readonly #parts: SupervisionParts;
  #bootId = '';
  #version = '';

  constructor(parts: SupervisionParts) {
    this.#parts = parts;
  }

  /** The kernel's id of this boot; empty before the first connect. */
  get bootId(): string {
    return this.#bootId;
  }

  /** Version of the supervisor that answers now, or did last; empty before the first connect. */
  get version(): string {
    return this.#version;
  }

  synchronize(statuses: readonly AttemptStatus[], server: SupervisorBody<'helloOk'>): void {
    const { attempts, log } = this.#parts;
    this.#bootId = server.bootId;
    this.#version = server.binaryVersion;
    const unknown = statuses.filter((status) => !this.takeStatus(status));
    for (const status of unknown) this.#adopt(status);
    if (unknown.length > 0) {
      log.warn(
        { count: unknown.length, attempts: unknown.slice(0, namedMax).map(({ id }) => id) },
        'the supervisor has attempts that the journal does not know: they are adopted',
      );
    }
    const there = new Set(statuses.map(({ id }) => id));
    for (const live of attempts.all()) {
      if (live.phase !== 'known' || there.has(live.id)) continue;
      const rebooted = live.bootId !== undefined && live.bootId !== server.bootId;
      attempts.lose(live, rebooted ? 'reboot' : 'the supervisor has no record of it');
    }
  }

  notice(notice: SupervisorNotice): void {
    this.takeStatus({ id: notice.body.id, [notice.name]: notice.body });
  }

  /** @returns false for an attempt that is known to nobody here. */
  takeStatus(status: AttemptStatus): boolean {
    const { attempts } = this.#parts;
    const live = attempts.find(status.id);
    if (!live) return this.#settleForgotten(status);
    live.phase = 'known';
    const mistaken = this.#whyMistaken(live, status);
    if (mistaken !== undefined) attempts.lose(live, mistaken);
    else for (const input of inputsOfStatus(status, attempts.placesOf(live))) attempts.apply(live, input);
    return true;
  }

  /** Goes on with what an earlier agent took on. @param launch is given what was certainly not started. */
  takeUp(launch: (live: LiveAttempt) => void): void {
    const { attempts } = this.#parts;
    for (const live of attempts.all()) {
      if (live.phase === 'known') attempts.resume(live);
      else if (live.bootId === this.#bootId) launch(live);
      else attempts.lose(live, 'reboot');
    }
  }

  /**
   * Why that it was not started is not to be believed: a record of the supervisor, which is not synced, can be lost in a power loss,
   * and an attempt without a record is taken for one that was never forked.
   */
  #whyMistaken({ life, bootId }: LiveAttempt, { notStarted }: AttemptStatus): string | undefined {
    if (!notStarted) return undefined;
    const ran = life.attempt.pid !== 0;
    const neverForked = notStarted.step === 'monitor' && notStarted.errno === constants.errno.ESRCH;
    if (!ran && !neverForked) return undefined;
    if (bootId !== undefined && bootId !== this.#bootId) return 'reboot';
    return ran ? 'the supervisor has lost its record' : undefined;
  }

  #adopt(status: AttemptStatus): void {
    const { attempts, clock } = this.#parts;
    const named = parseAttemptId(status.id);
    // One that we have not named is none of ours.
    if (!named) return;
    const live = restoreAttempt({ taskId: named.task, number: named.attempt, signals: new Set() }, clock);
    live.bootId = this.#bootId;
    attempts.adopt(live);
    this.takeStatus(status);
  }

  /** An attempt that is over here: its end is on disk, or is on its way there. */
  #settleForgotten(status: AttemptStatus): boolean {
    const { journal, supervisor, log } = this.#parts;
    if (!journal.state.knows(status.id)) return false;
    if (status.empty || status.lost || status.notStarted) {
      void supervisor.acknowledge(status.id).catch(() => {});
    } else if (status.exited) {
      // Its leftovers are kept; an agent before this one did not come to say so.
      void supervisor.release(status.id).catch(() => {});
    } else {
      log.error({ attempt: status.id }, 'an attempt runs that has ended: it is killed');
      void supervisor.signal(status.id, constants.signals.SIGKILL, signalScopes.tree).catch(() => {});
    }
    return true;
  }
}
