/**
 * Which node has which session, and which starts were sent to it without news of them yet. Memory only: what is here is a hint
 * for the connections that are there now; the store and the agents' journals have the truth.
 */
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, TaskId } from '#protocol/ids.ts';
import type { AgentSession } from './agent-session.ts';
import { onAbort } from './on-abort.ts';

/** What is known of the connection to one node. */
interface NodeLink {
  /** The one that may be used. */
  open: AgentSession | undefined;
  /** Those that asked to come in and have no answer yet. */
  readonly opening: Set<AgentSession>;
  /** Sent over this or an earlier session, and no news of it came. */
  readonly unanswered: Set<TaskId>;
  /** To be called at the next change of `open` or `opening`. */
  waiting: (() => void)[];
}

/** The connections to all nodes. */
export class NodeLinks {
  readonly #links = new Map<NodeName, NodeLink>();
  readonly #sessions = new Set<AgentSession>();

  /** Every session that is not closed. */
  sessions(): ReadonlySet<AgentSession> {
    return this.#sessions;
  }

  /** The node's open session. */
  open(node: NodeName): AgentSession | undefined {
    return this.#links.get(node)?.open;
  }

  /** Whether the node is neither connected nor about to be. */
  isAway(node: NodeName): boolean {
    const link = this.#links.get(node);
    return !link || (!link.open && link.opening.size === 0);
  }

  /** A connection began a session. */
  add(session: AgentSession): void {
    this.#sessions.add(session);
  }

  /** It asks to come in. */
  setOpening(session: AgentSession): void {
    this.#link(session.node).opening.add(session);
  }

  /** It is the one from now on. */
  setOpen(session: AgentSession): void {
    const link = this.#link(session.node);
    link.opening.delete(session);
    link.open = session;
    wake(link);
  }

  /** It is over. Gives whether the node has lost its open session with it. */
  remove(session: AgentSession): boolean {
    this.#sessions.delete(session);
    const link = this.#links.get(session.node);
    if (!link) return false;
    const wasOpen = link.open === session;
    if (wasOpen) link.open = undefined;
    link.opening.delete(session);
    wake(link);
    return wasOpen;
  }

  /** Resolves when nobody is about to come in as this node. */
  async settled(node: NodeName): Promise<void> {
    for (let link = this.#links.get(node); link && link.opening.size > 0; ) await changed(link);
  }

  /** The node's open session, as soon as there is one. @throws the reason of `abort` */
  async whenOpen(node: NodeName, abort: AbortSignal): Promise<AgentSession> {
    const link = this.#link(node);
    abort.throwIfAborted();
    using _waiting = onAbort(abort, () => wake(link));
    while (!link.open) {
      await changed(link);
      abort.throwIfAborted();
    }
    return link.open;
  }

  /** Starts that were sent to the node without news of them yet. */
  unanswered(node: NodeName): ReadonlySet<TaskId> {
    return this.#links.get(node)?.unanswered ?? new Set();
  }

  /** A start goes out. */
  markSent(task: Task): void {
    this.#link(task.node).unanswered.add(task.id);
  }

  /** There is news of a task. */
  forget(task: Task): void {
    if (task.state !== TaskState.PENDING) this.#links.get(task.node)?.unanswered.delete(task.id);
  }

  /** The node has told what it holds: nothing sent before is in doubt any more. */
  clearUnanswered(node: NodeName): void {
    this.#links.get(node)?.unanswered.clear();
  }

  #link(node: NodeName): NodeLink {
    let link = this.#links.get(node);
    if (!link) {
      link = { open: undefined, opening: new Set(), unanswered: new Set(), waiting: [] };
      this.#links.set(node, link);
    }
    return link;
  }
}

function changed(link: NodeLink): Promise<void> {
  return new Promise((resolve) => link.waiting.push(resolve));
}

function wake(link: NodeLink): void {
  const waiting = link.waiting;
  link.waiting = [];
  for (const resolve of waiting) resolve();
}
