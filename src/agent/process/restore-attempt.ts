/** An attempt as the journal of an earlier agent knows it. */
import { create } from '@bufbuild/protobuf';
import type { JournalAttempt } from '#agent/journal/journal-state.ts';
import type { Clock } from '#base/clock.ts';
import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { LiveAttempt } from './live-attempt.ts';

/**
 * The attempt in its recorded state, a stop in progress included. Its phase is `known` where the supervisor must have it,
 * `accepted` where nobody knows whether it was asked; then its list tells.
 */
export function restoreAttempt(known: JournalAttempt, clock: Clock): LiveAttempt {
  const { taskId, number, accepted, latest, stop, signals, terminalStays = false } = known;
  const start = accepted?.start ?? create(StartSchema, { taskId, attempt: number });
  const live = new LiveAttempt(start, clock, accepted?.failuresBefore);
  const attempt = latest?.attempt ?? live.life.attempt;
  live.bootId = accepted?.bootId;
  live.lineStays = terminalStays;
  live.phase = attempt.pid === 0 && accepted ? 'accepted' : 'known';
  live.life = { ...live.life, attempt, signals: [...signals] };
  if (stop) {
    const killAtMs = clock.monotonicMs() + Math.max(0, stop.killAtMs - clock.wallMs());
    live.life = { ...live.life, stopCause: stop.cause, stoppedBy: stop.stoppedBy, killAtMs };
    if (live.phase === 'accepted') live.cancelled = stop.cause;
  }
  return live;
}
