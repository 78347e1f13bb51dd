/** A node whose network a test parts: launches on it, waits until both sides have noticed, and until all is told. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPort } from '#base/host-port.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { until } from '#test/fixture/until.ts';
import type { ChaosCluster } from './chaos-cluster.ts';
import { checkBacklog } from './check-backlog.ts';
import { waits, writes } from './commands.ts';
import { graceMs, noticeMs, untilNode } from './node-contact.ts';
import { isWithin, pass, rate } from './pace.ts';

const name = 'far';

/** How an agent says that its session is over, or that it could have none. */
const notices = /"msg":"no session: /g;

/** The node, and the cluster that it is of. */
export class FarNode {
  readonly #cluster: ChaosCluster;

  private constructor(cluster: ChaosCluster) {
    this.#cluster = cluster;
  }

  /** Starts its agent, which dials that address; resolves when nodes are judged. */
  static async start(cluster: ChaosCluster, dials: HostPort): Promise<FarNode> {
    await cluster.join(name, dials);
    await cluster.startAgent(name);
    await pass(graceMs);
    return new FarNode(cluster);
  }

  /** Launches on every node what waits at the gate, and some that prints. */
  async launch(): Promise<void> {
    await this.#cluster.closeGate();
    await this.#cluster.launch(waits(3), { count: 10 });
    await this.#cluster.launch(writes(500, 0), { count: 3 });
    await this.#cluster.untilState(TaskState.RUNNING);
  }

  /** Parts the network, has all tasks end meanwhile, and waits until both sides have noticed, in time. Gives when that began. */
  async part(how: () => void): Promise<number> {
    const [before, partedAt] = [this.#noticed(), performance.now()];
    how();
    await this.#cluster.gate.open();
    await until('the agent notices', () => this.#noticed() > before, noticeMs / rate + 10_000);
    assert.equal(isWithin(noticeMs, partedAt), true);
    await until('the controller notices', async () => (await this.#state()) !== NodeState.CONNECTED);
    assert.equal(isWithin(noticeMs, partedAt), true);
    // Counted from when the node was last heard of: where only the way to it is cut, it went on to tell of itself.
    await untilNode(this.#cluster, name, NodeState.UNREACHABLE);
    return partedAt;
  }

  /** Joins the network again, and waits until all is told. */
  async heal(how = () => {}): Promise<void> {
    how();
    await untilNode(this.#cluster, name, NodeState.CONNECTED);
    await this.#cluster.settle();
  }

  /** Ends the cluster and checks that what its nodes had to tell has arrived in order and once. */
  async verify(): Promise<void> {
    const events = await this.#cluster.events(['task.ended']);
    await this.#cluster.verify();
    assert.deepEqual(checkBacklog(this.#cluster.recorder.recorded, events), []);
  }

  async #state(): Promise<NodeState> {
    return (await this.#cluster.api.nodes.getNode({ name })).state;
  }

  #noticed(): number {
    return readFileSync(join(this.#cluster.layout.logs, `${name}.log`), 'utf8').match(notices)?.length ?? 0;
  }
}
