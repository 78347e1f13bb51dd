/** Sending the starts of pending tasks to the sessions of their nodes, each at most once a session. */
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { RunId } from '#protocol/ids.ts';
import type { AgentSession } from './agent-session.ts';
import { startEncoder } from './encode-start.ts';
import type { NodeLinks } from './node-links.ts';

/** Encodes the start of a task's next attempt. */
type Encoder = ReturnType<typeof startEncoder>;

/** Keeps one encoder a run: make one for a fan-out, and drop it after. */
export class StartSender {
  readonly #links: NodeLinks;
  readonly #operatorOf: (run: RunId) => string;
  readonly #encoders = new Map<RunId, Encoder>();

  /** @param operatorOf who launched a run. */
  constructor(links: NodeLinks, operatorOf: (run: RunId) => string) {
    this.#links = links;
    this.#operatorOf = operatorOf;
  }

  /** Sends the start of `task` over the open `session` of its node, unless it went over this one already. */
  send(session: AgentSession, task: Task): void {
    if (this.#links.unanswered(task.node).has(task.id)) return;
    const encode = this.#encoderOf(task);
    this.#links.markSent(task);
    session.sendFrame((number) => encode(task, task.attempts.length + 1, number));
  }

  #encoderOf({ runId, spec }: Task): Encoder {
    let encode = this.#encoders.get(runId);
    if (!encode) {
      encode = startEncoder(runId, spec, this.#operatorOf(runId));
      this.#encoders.set(runId, encode);
    }
    return encode;
  }
}
