/** When a terminal or pipes are hung up because nobody is at the other end. Pure. */

/** Who is at the other end of a task's line, and what was said of it. */
export interface LinePresence {
  /** Of its TerminalSpec or PipeSpec; 0 for never. */
  readonly hangupAfterMs: number;
  /** Whether its task runs. */
  readonly runs: boolean;
  /** People who are at it. */
  readonly people: number;
  /** The last of them wanted it to stay. */
  readonly stays: boolean;
  /** Whether there is a session with the controller: without one nobody can come, and being away says nothing. */
  readonly linked: boolean;
}

/**
 * From now on, if nothing changes; undefined means never. The time begins anew whenever something has changed.
 */
export function hangupDelayMs(presence: LinePresence): number | undefined {
  const { hangupAfterMs, runs, people, stays, linked } = presence;
  const counts = hangupAfterMs > 0 && runs && people === 0 && !stays && linked;
  return counts ? hangupAfterMs : undefined;
}
