/** Takes a node out of the cluster: from the store, then from the link. */
import type { Clock } from '#base/clock.ts';
import type { RemovedNode, Store, StoreWriter } from '#controller/store/store.ts';
import { endTask } from '#core/advance-task.ts';
import { unknownOutcome } from '#core/outcome.ts';
import { activeStates } from '#core/task-state.ts';
import { Cause, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import type { Changes } from './changes.ts';
import { changesBy } from './describe-change.ts';
import type { NodeLinks } from './node-links.ts';
import { recordChanges } from './record-changes.ts';

/** What removing needs. */
export interface RemoveNodeParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly links: NodeLinks;
  /** Nothing is told of the node from now on. */
  readonly forgetNode: (node: NodeName) => void;
  readonly taskChanges: Changes<[Task]>;
}

/** How the tasks of a removed node end. */
const nodeRemoved = 'its node was removed';

/** @see Dispatch.removeNode */
export async function removeNode(
  { store, clock, links, forgetNode, taskChanges }: RemoveNodeParts,
  removed: RemovedNode,
  record: (writer: StoreWriter) => Promise<void>,
): Promise<number> {
  const ended = await store.transact(async (writer) => {
    const tasks = await writer.selectTasks({ nodes: [removed.name], states: activeStates });
    const changes = changesBy(tasks, (task) =>
      endTask(task, unknownOutcome(nodeRemoved), Cause.OPERATOR, nodeRemoved),
    );
    await writer.removeNode(removed);
    await record(writer);
    return recordChanges(writer, changes, clock.wallMs());
  });
  // After the commit: a farewell that is final could not be taken back. What a session still tells meanwhile changes nothing.
  for (const session of links.sessions()) {
    if (session.peer.keyFingerprint === removed.keyFingerprint) {
      session.close('this node was removed from its cluster', { final: true });
    }
  }
  forgetNode(removed.name);
  for (const task of ended) taskChanges.publish(task);
  return ended.length;
}
