/**
 * When a node counts as disconnected, unreachable or lost, and how often it must say that it is there.
 * Decides from times that the caller measured on the monotonic clock.
 */
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Freshness } from '#protocol/gen/drover/v1/task_pb.ts';

/** Silence is fatal to a connection after so many heartbeat intervals. */
export const silentIntervalsMax = 2.5;

const unreachableIntervals = 3;
const unreachableSlackMs = 5_000;
const lostAfterMs = 300_000;
const closeDebounceMs = 1_000;

/**
 * Heartbeat interval for a cluster of `nodes`: N/1000 s between 5 s and 30 s, so that 10,000 nodes send 1,000 a second
 * and three send often enough to be missed soon.
 */
export function heartbeatIntervalMs(nodes: number): number {
  return Math.min(Math.max(nodes, 5_000), 30_000);
}

/** How long a node may be silent until it counts as unreachable, milliseconds. */
export function unreachableAfterMs(intervalMs: number): number {
  return unreachableIntervals * intervalMs + unreachableSlackMs;
}

/** How the controller stands to a node whose session is down, `silentMs` after it was last heard of. */
export function stateWithoutSession(silentMs: number | undefined, intervalMs: number): NodeState {
  if (silentMs === undefined) return NodeState.JOINED;
  const unreachableMs = unreachableAfterMs(intervalMs);
  if (silentMs < closeDebounceMs) return NodeState.CONNECTED;
  if (silentMs < unreachableMs) return NodeState.DISCONNECTED;
  return silentMs < unreachableMs + lostAfterMs ? NodeState.UNREACHABLE : NodeState.LOST;
}

const freshness: Readonly<Record<NodeState, Freshness>> = {
  [NodeState.UNSPECIFIED]: Freshness.STALE,
  [NodeState.JOINED]: Freshness.STALE,
  [NodeState.CONNECTED]: Freshness.LIVE,
  [NodeState.DISCONNECTED]: Freshness.STALE,
  [NodeState.UNREACHABLE]: Freshness.STALE,
  [NodeState.LOST]: Freshness.LOST,
};

/** How fresh the state of a task is that has not ended. An ended one is always live: nothing can change. */
export function freshnessOf(node: NodeState): Freshness {
  return freshness[node] ?? Freshness.STALE;
}

const words: Readonly<Record<NodeState, string>> = {
  [NodeState.UNSPECIFIED]: 'unspecified',
  [NodeState.JOINED]: 'joined',
  [NodeState.CONNECTED]: 'connected',
  [NodeState.DISCONNECTED]: 'disconnected',
  [NodeState.UNREACHABLE]: 'unreachable',
  [NodeState.LOST]: 'lost',
};

/** The state's word, as people read it. */
export function nodeStateWord(state: NodeState): string {
  return words[state] ?? String(state);
}
