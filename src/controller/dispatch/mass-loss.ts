/**
 * Notices when most nodes go at once: then it is rather the network, or this controller, than the nodes. It says so, once, and does
 * nothing else: nothing is stopped, started elsewhere or drained because of it.
 */
import type { NodeName } from '#protocol/ids.ts';

/** Most nodes have gone within a minute and are not back. */
export interface MassLoss {
  /** So many. */
  readonly gone: number;
  /** Of so many that were connected. */
  readonly of: number;
  /** When it was noticed, wall clock, milliseconds. */
  readonly atMs: number;
}

/** The nodes that count as gone at once. */
const windowMs = 60_000;
/** Of fewer nodes nothing can be said. */
const goneMin = 3;

/** Judges on the clock that it is given. */
export class MassLossWatch {
  readonly #connected = new Set<NodeName>();
  /** When each was lost, of those that are not back; those of the alarm and of the last minute. */
  readonly #gone = new Map<NodeName, number>();
  /** The nodes of the alarm. */
  #lost = new Set<NodeName>();
  #alarm: MassLoss | undefined;

  /** The alarm, as long as more than half of its nodes are not back. */
  get alarm(): MassLoss | undefined {
    return this.#alarm;
  }

  /** Contact with the node is there. */
  came(node: NodeName): void {
    this.#connected.add(node);
    this.#gone.delete(node);
    this.#lost.delete(node);
    if (this.#alarm && this.#lost.size * 2 <= this.#alarm.gone) this.#alarm = undefined;
  }

  /** Contact with the node is lost. `nowMs` on a clock that stands still while this process does. */
  went(node: NodeName, nowMs: number): void {
    if (this.#connected.delete(node)) this.#gone.set(node, nowMs);
  }

  /** The node is one no more. */
  forget(node: NodeName): void {
    this.#connected.delete(node);
    this.came(node);
    this.#connected.delete(node);
  }

  /** Whoever went until now did so because this process stood still: that is no loss. */
  pardon(): void {
    this.#gone.clear();
  }

  /** Looks at the last minute; gives the alarm if it is a new one. */
  judge(nowMs: number, atMs: number): MassLoss | undefined {
    for (const [node, goneMs] of this.#gone) if (nowMs - goneMs > windowMs) this.#gone.delete(node);
    const gone = this.#gone.size;
    const of = gone + this.#connected.size;
    if (this.#alarm || gone < goneMin || gone * 2 <= of) return undefined;
    this.#lost = new Set(this.#gone.keys());
    this.#alarm = { gone, of, atMs };
    return this.#alarm;
  }
}
