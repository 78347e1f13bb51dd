/**
 * Heartbeats of the sessions: sends ours when they are due, and cuts those on which nothing came for too long.
 * Looks at all of them on each tick, so that ten thousand sessions need one timer. States of nodes are not its matter.
 */
import { silentIntervalsMax } from '#core/liveness.ts';
import { limits } from '#protocol/limits.ts';
import type { AgentSession } from './agent-session.ts';

/** Heartbeats of a herd are spread by so much of their interval, either way. */
const jitter = 0.2;

interface Beat {
  heardMs: number;
  /** Undefined until the session is open. */
  intervalMs: number | undefined;
  nextMs: number;
}

/** The heartbeats of all sessions. Times are milliseconds on a clock that stands still while this process does. */
export class Pulse {
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #beats = new Map<AgentSession, Beat>();

  /** @param random evenly in [0, 1). */
  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
  }

  /** A session began. */
  add(session: AgentSession): void {
    this.#beats.set(session, { heardMs: this.#now(), intervalMs: undefined, nextMs: 0 });
  }

  /** It was let in: heartbeats begin. */
  begin(session: AgentSession, intervalMs: number): void {
    const beat = this.#beats.get(session);
    if (!beat) return;
    beat.heardMs = this.#now();
    beat.intervalMs = intervalMs;
    // The first at any moment of the interval: a herd that came together does not beat together.
    beat.nextMs = beat.heardMs + this.#random() * intervalMs;
  }

  /** Something came on it. */
  heard(session: AgentSession): void {
    const beat = this.#beats.get(session);
    if (beat) beat.heardMs = this.#now();
  }

  /** It is over. */
  remove(session: AgentSession): void {
    this.#beats.delete(session);
  }

  /** Does what is due. */
  tick(): void {
    const now = this.#now();
    for (const [session, beat] of [...this.#beats]) {
      const silentMs = now - beat.heardMs;
      if (silentMs > silenceMaxMs(session, beat)) {
        session.close(`nothing was heard of it for ${Math.round(silentMs / 1000)} s`);
      } else if (beat.intervalMs !== undefined && now >= beat.nextMs) {
        session.beat();
        beat.nextMs = now + beat.intervalMs * (1 - jitter + 2 * jitter * this.#random());
      }
    }
  }
}

/** An agent that waits for its Welcome sends nothing, so the silence then is ours. */
function silenceMaxMs(session: AgentSession, beat: Beat): number {
  if (session.state === 'opening') return Number.POSITIVE_INFINITY;
  return beat.intervalMs === undefined ? limits.headersTimeoutMs : silentIntervalsMax * beat.intervalMs;
}
