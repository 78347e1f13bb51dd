/** What a round of random faults does, out of its seed: the same seed is the same plan, though not the same moments. Pure. */
import type { Failpoint } from '#base/failpoint.ts';

/** Something that is launched. */
export interface PlannedLoad {
  readonly kind: 'exits' | 'waits' | 'writes' | 'forks' | 'restarts';
  readonly count: number;
  readonly code: number;
  /** After the one before it, milliseconds. */
  readonly afterMs: number;
}

/** Who is killed, some time after the fault before it. */
export interface PlannedFault {
  /** A failpoint is armed in the agent or the controller, which is started anew for that; the others are killed from outside. */
  readonly victim: Failpoint | 'agent' | 'controller' | 'server' | 'monitors' | 'node';
  /** When it is reached for so many times, for a failpoint. */
  readonly times: number;
  /** After the one before it, milliseconds. */
  readonly afterMs: number;
}

/** A round. */
export interface Round {
  readonly loads: readonly PlannedLoad[];
  readonly faults: readonly PlannedFault[];
}

const loadKinds = ['exits', 'exits', 'waits', 'writes', 'forks', 'restarts'] as const;

const victims = [
  'agent.start-received',
  'agent.start-accepted',
  'agent.start-answered',
  'agent.end-seen',
  'agent.end-recorded',
  'agent.end-released',
  'agent.acknowledged',
  'agent.journal-write',
  'agent.journal-sync',
  'agent.journal-replace',
  'controller.run-committed',
  'controller.run-dispatched',
  'controller.events-received',
  'controller.events-committed',
  'agent',
  'agent',
  'controller',
  'controller',
  'server',
  'server',
  'server',
  'monitors',
  'node',
  'node',
] as const satisfies readonly PlannedFault['victim'][];

/** The plan of a seed, which is a whole number. */
export function planRound(seed: number): Round {
  const random = randomOf(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const oneOf = <T>(of: readonly [T, ...T[]]): T => of[below(of.length)] ?? of[0];
  const loads = Array.from({ length: 2 + below(4) }, () => ({
    kind: oneOf(loadKinds),
    count: 1 + below(8),
    code: below(256),
    afterMs: below(150),
  }));
  const faults = Array.from({ length: 1 + below(3) }, () => ({
    victim: oneOf(victims),
    times: 1 + below(6),
    afterMs: below(400),
  }));
  return { loads, faults };
}

/** Numbers in [0, 1) out of a seed. @see mulberry32, by Tommy Ettinger, in the public domain */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
