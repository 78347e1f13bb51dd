/** A node as it is when it has joined, and has not connected yet. */
import type { NodeRecord } from './store.ts';

/** What is known of a node then. */
export type JoinedNode = Pick<NodeRecord, 'name' | 'keyFingerprint' | 'labels' | 'joinedAtMs'>;

/** Its record: nothing was heard of it. */
export function newNode(joined: JoinedNode): NodeRecord {
  return {
    ...joined,
    seenAtMs: undefined,
    address: '',
    version: '',
    facts: undefined,
    journalId: '',
    acknowledgedEvent: 0n,
    generation: 0,
    drain: undefined,
  };
}
