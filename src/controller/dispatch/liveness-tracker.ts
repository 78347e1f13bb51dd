/** How the controller stands to each node. Judges by a clock that leaves out its own stalls. Reads and writes no store. */
import type { Clock } from '#base/clock.ts';
import { heartbeatIntervalMs, stateWithoutSession, unreachableAfterMs } from '#core/liveness.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import type { Changes } from './changes.ts';
import type { NodeLiveness } from './dispatch.ts';
import { StallClock } from './stall-clock.ts';

/** In that time after a stall the sessions close that did not outlive it. */
const stallAftermathMs = 10_000;

const graceMinMs = 60_000;
const graceIntervals = 3;
const graceMsPerNode = 20;

const spreadMsPerNode = 5;

interface Contact {
  /** On the judging clock; undefined where it was not heard of since this process began. */
  heardMs: number | undefined;
  /** Wall clock. */
  seenAtMs: number | undefined;
  connected: boolean;
  /** As of the last time that it was judged. */
  state: NodeState;
  /** `seenAtMs` has changed since `takeSeen`. */
  unwritten: boolean;
}

/** The liveness of every node. */
export class LivenessTracker {
  readonly #clock: Clock;
  readonly #judging: StallClock;
  readonly #changes: Changes<[NodeName, NodeLiveness]>;
  readonly #contacts = new Map<NodeName, Contact>();
  readonly #startedMs: number;

  /** @param known nodes, and when each was last heard of as far as was recorded. */
  constructor(
    clock: Clock,
    changes: Changes<[NodeName, NodeLiveness]>,
    known: Iterable<{ readonly name: NodeName; readonly seenAtMs: number | undefined }>,
  ) {
    this.#clock = clock;
    this.#changes = changes;
    this.#judging = new StallClock(clock);
    this.#startedMs = this.#judging.now();
    for (const { name, seenAtMs } of known) {
      const state = seenAtMs === undefined ? NodeState.JOINED : NodeState.DISCONNECTED;
      this.#contacts.set(name, { heardMs: undefined, seenAtMs, connected: false, state, unwritten: false });
    }
  }

  /** The judging clock, milliseconds. */
  now(): number {
    return this.#judging.now();
  }

  /** Whether this process stood still so lately that sessions which close may have died of that. */
  get hasJustStalled(): boolean {
    return this.#judging.sinceStallMs() < stallAftermathMs;
  }

  /** Interval of heartbeats for as many nodes as there are, milliseconds. */
  intervalMs(): number {
    return heartbeatIntervalMs(this.#contacts.size);
  }

  /** Over what time so many nodes are to spread their return, milliseconds: two hundred handshakes a second. */
  reconnectSpreadMs(): number {
    return this.#contacts.size * spreadMsPerNode;
  }

  /** Something came from the node. */
  heard(node: NodeName): void {
    const contact = this.#contact(node);
    contact.heardMs = this.now();
    contact.seenAtMs = this.#clock.wallMs();
    contact.unwritten = true;
  }

  /** Its session is up. */
  connected(node: NodeName): void {
    this.heard(node);
    const contact = this.#contact(node);
    contact.connected = true;
    this.#judge(node, contact);
  }

  /** Its session is down. */
  disconnected(node: NodeName): void {
    const contact = this.#contacts.get(node);
    if (contact) contact.connected = false;
  }

  /** It is a node no more: nothing is told of it from now on. */
  forget(node: NodeName): void {
    this.#contacts.delete(node);
  }

  /** How the controller stands to a node now. */
  liveness(node: NodeName): NodeLiveness {
    const contact = this.#contacts.get(node);
    if (!contact) return { state: NodeState.JOINED, seenAtMs: undefined };
    return { state: this.#stateOf(contact), seenAtMs: contact.seenAtMs };
  }

  /**
   * How long an absent node may still be expected back, milliseconds: until its own silence makes it unreachable, counted from
   * the start of this process where it was not heard of since. 0 where it is not, or never came. The grace at the start does
   * not lengthen it: that is for judging nodes, and nobody should wait for so long.
   */
  expectedBackMs(node: NodeName): number {
    const contact = this.#contacts.get(node);
    if (!contact || contact.seenAtMs === undefined) return 0;
    return Math.max(0, unreachableAfterMs(this.intervalMs()) - this.#silentMs(contact));
  }

  /** Looks again at every node, and tells of those whose state has changed. */
  tick(): void {
    this.#judging.tick();
    for (const [node, contact] of this.#contacts) this.#judge(node, contact);
  }

  /** When each node was last heard of, of those heard of since the last call. */
  takeSeen(): ReadonlyMap<NodeName, number> {
    const seen = new Map<NodeName, number>();
    for (const [node, contact] of this.#contacts) {
      if (!contact.unwritten || contact.seenAtMs === undefined) continue;
      contact.unwritten = false;
      seen.set(node, contact.seenAtMs);
    }
    return seen;
  }

  /** What `takeSeen` gave could not be written: it is to give it again. */
  putBackSeen(nodes: Iterable<NodeName>): void {
    for (const node of nodes) {
      const contact = this.#contacts.get(node);
      if (contact) contact.unwritten = true;
    }
  }

  #contact(node: NodeName): Contact {
    let contact = this.#contacts.get(node);
    if (!contact) {
      contact = {
        heardMs: undefined,
        seenAtMs: undefined,
        connected: false,
        state: NodeState.JOINED,
        unwritten: false,
      };
      this.#contacts.set(node, contact);
    }
    return contact;
  }

  #judge(node: NodeName, contact: Contact): void {
    const state = this.#stateOf(contact);
    if (state === contact.state) return;
    contact.state = state;
    this.#changes.publish(node, { state, seenAtMs: contact.seenAtMs });
  }

  #stateOf(contact: Contact): NodeState {
    if (contact.connected) return NodeState.CONNECTED;
    if (contact.seenAtMs === undefined) return NodeState.JOINED;
    const state = stateWithoutSession(this.#silentMs(contact), this.intervalMs());
    if (state === NodeState.CONNECTED) return contact.heardMs === undefined ? NodeState.DISCONNECTED : state;
    return this.now() < this.#startedMs + this.#graceMs() ? NodeState.DISCONNECTED : state;
  }

  #silentMs(contact: Contact): number {
    return this.now() - (contact.heardMs ?? this.#startedMs);
  }

  #graceMs(): number {
    const known = graceIntervals * this.intervalMs() + graceMsPerNode * this.#contacts.size;
    return Math.max(graceMinMs, known);
  }
}
