/** The one way by which changes of tasks get into the store: with their events, and with the ends of the runs that end with them. */
import { newEvent } from '#controller/store/new-event.ts';
import type { EventRecord, StoreWriter } from '#controller/store/store.ts';
import { activeStates } from '#core/task-state.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { RunId, TaskId } from '#protocol/ids.ts';
import { describeChange, type TaskChange } from './describe-change.ts';

/**
 * Records steps of tasks in their order, several of one task too.
 *
 * @returns each task as it is then, in the order of their first steps.
 */
export async function recordChanges(
  writer: StoreWriter,
  changes: readonly TaskChange[],
  nowMs: number,
): Promise<readonly Task[]> {
  if (changes.length === 0) return [];
  const latest = new Map<TaskId, Task>();
  for (const { after } of changes) latest.set(after.id, after);
  const changed = [...latest.values()];
  await writer.updateTasks(changed);
  const events = changes.flatMap((change) => describeChange(change, nowMs) ?? []);
  await writer.insertEvents([...events, ...(await endRuns(writer, changed, nowMs))]);
  return changed;
}

/** Records the end of the runs whose last task has ended with these; gives the events of that. Looks up no others. */
async function endRuns(writer: StoreWriter, changed: readonly Task[], nowMs: number): Promise<EventRecord[]> {
  const ended = changed.filter((task) => task.state === TaskState.ENDED);
  const events: EventRecord[] = [];
  for (const id of new Set(ended.map((task) => task.runId))) {
    const left = await writer.listTasks({ runIds: [id], states: activeStates }, { size: 1 });
    if (left.rows.length > 0) continue;
    await writer.setRunEnded(id, nowMs);
    events.push(await runEnded(writer, id, nowMs));
  }
  return events;
}

async function runEnded(writer: StoreWriter, runId: RunId, atMs: number): Promise<EventRecord> {
  const endings = await writer.countEndings(runId);
  const data = Object.fromEntries([...endings].map(([ending, count]) => [ending, String(count)]));
  return newEvent(atMs, 'run.ended', { runId, data });
}
