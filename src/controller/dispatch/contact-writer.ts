/** Writes down when nodes were last heard of and what they have told of their hosts, many at a time. */
import type { Logger } from '#base/log.ts';
import type { Store } from '#controller/store/store.ts';
import type { HostFacts } from '#protocol/gen/drover/v1/node_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import type { LivenessTracker } from './liveness-tracker.ts';

/** A write that fails is tried again with the next one. */
export class ContactWriter {
  readonly #store: Store;
  readonly #liveness: LivenessTracker;
  readonly #log: Logger;
  #facts = new Map<NodeName, HostFacts>();

  constructor(store: Store, liveness: LivenessTracker, log: Logger) {
    this.#store = store;
    this.#liveness = liveness;
    this.#log = log;
  }

  /** A node's host as it is now. */
  told(node: NodeName, facts: HostFacts): void {
    this.#facts.set(node, facts);
  }

  /** To be called now and then, and at the end. */
  async write(): Promise<void> {
    const seen = this.#liveness.takeSeen();
    const facts = this.#facts;
    if (seen.size === 0 && facts.size === 0) return;
    this.#facts = new Map();
    try {
      await this.#store.transact(async (writer) => {
        await writer.updateNodesSeen(seen);
        await writer.updateNodesFacts(facts);
      });
    } catch (error) {
      this.#liveness.putBackSeen(seen.keys());
      // What came meanwhile is newer.
      this.#facts = new Map([...facts, ...this.#facts]);
      this.#log.error({ error: String(error) }, 'could not record when nodes were last heard of');
    }
  }
}
