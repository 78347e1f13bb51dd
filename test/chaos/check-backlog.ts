/** Whether what nodes had to tell arrived in order, whole, and once. Pure. */
import type { ClusterEvent } from '#protocol/gen/drover/v1/event_pb.ts';
import type { Event } from '#protocol/gen/drover/v1/link_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

/**
 * Says what does not hold, a line each.
 *
 * @param recorded each journal's events in order, by "NODE/JOURNAL": one journal a node.
 * @param events what the controller recorded of tasks, in order.
 */
export function checkBacklog(
  recorded: ReadonlyMap<string, readonly Event[]>,
  events: readonly ClusterEvent[],
): string[] {
  return [...recorded].flatMap(([journal, own]) => {
    const node = journal.slice(0, journal.indexOf('/'));
    const ended = own.filter(({ attempt }) => attempt?.state === TaskState.ENDED);
    const told = events.filter((event) => event.node === node && event.kind === 'task.ended');
    const [here, there] = [ended.map(({ taskId }) => taskId), told.map(({ taskId }) => taskId)];
    const at = here.findIndex((id, i) => id !== there[i]);
    if (at >= 0) return [`${node}: end ${at + 1} is of ${here[at]}, and arrived as ${there[at]}`];
    return here.length === there.length ? [] : [`${node}: ${there.length} ends arrived of ${here.length}`];
  });
}
