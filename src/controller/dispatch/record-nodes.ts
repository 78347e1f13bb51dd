/**
 * Records how the controller's standing to its nodes changes, as events: those of one moment in few transactions, so that ten
 * thousand nodes that come or go at once share some fsyncs. What cannot be recorded is said in the log and given up: how a node
 * stands is known without it.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { newEvent } from '#controller/store/new-event.ts';
import type { EventRecord, Store } from '#controller/store/store.ts';
import type { EventKind } from '#core/event-kinds.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { Batches } from './batches.ts';
import type { Changes } from './changes.ts';
import type { NodeLiveness } from './dispatch.ts';
import type { LivenessTracker } from './liveness-tracker.ts';
import { type MassLoss, MassLossWatch } from './mass-loss.ts';

/** What it needs. */
export interface NodeRecorderOptions {
  readonly liveness: LivenessTracker;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly changes: Changes<[NodeName, NodeLiveness]>;
}

const kinds: Readonly<Partial<Record<NodeState, EventKind>>> = {
  [NodeState.CONNECTED]: 'node.connected',
  [NodeState.DISCONNECTED]: 'node.disconnected',
  [NodeState.UNREACHABLE]: 'node.unreachable',
  [NodeState.LOST]: 'node.lost',
};

/** Listens until it is disposed of, which waits for what it has begun. */
export class NodeRecorder implements AsyncDisposable {
  readonly #options: NodeRecorderOptions;
  readonly #batches: Batches<EventRecord>;
  readonly #listening: Disposable;
  readonly #massLoss = new MassLossWatch();

  constructor(options: NodeRecorderOptions) {
    this.#options = options;
    this.#batches = new Batches(limits.ingestBatchMax, (batch) => this.#record(batch));
    this.#listening = options.changes.listen((node, liveness) => this.#add(node, liveness));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    await this.#batches.idle();
  }

  /** Most nodes are gone. */
  get massLoss(): MassLoss | undefined {
    return this.#massLoss.alarm;
  }

  /** A node was removed. */
  forget(node: NodeName): void {
    this.#massLoss.forget(node);
  }

  /** Looks whether most nodes went at once. To be called every second or so, after the liveness was judged. */
  tick(): void {
    const { liveness, clock, log } = this.#options;
    if (liveness.hasJustStalled) this.#massLoss.pardon();
    const alarm = this.#massLoss.judge(liveness.now(), clock.wallMs());
    if (!alarm) return;
    const { gone, of, atMs } = alarm;
    log.error(
      { gone, of },
      'most nodes were lost at once: rather the network or this controller than the nodes',
    );
    const data = { gone: String(gone), of: String(of) };
    this.#batches.add(newEvent(atMs, 'cluster.mass-loss', { data }));
  }

  #add(node: NodeName, { state, seenAtMs }: NodeLiveness): void {
    if (state === NodeState.CONNECTED) this.#massLoss.came(node);
    else this.#massLoss.went(node, this.#options.liveness.now());
    const kind = kinds[state];
    if (!kind) return;
    const isGone = state === NodeState.UNREACHABLE || state === NodeState.LOST;
    const data: Record<string, string> =
      isGone && seenAtMs !== undefined ? { seen: new Date(seenAtMs).toISOString() } : {};
    this.#batches.add(newEvent(this.#options.clock.wallMs(), kind, { node, data }));
  }

  async #record(batch: readonly EventRecord[]): Promise<void> {
    try {
      await this.#options.store.transact((writer) => writer.insertEvents(batch));
    } catch (error) {
      this.#options.log.error(
        { error: String(error), events: batch.length },
        'events of nodes could not be recorded',
      );
    }
  }
}
