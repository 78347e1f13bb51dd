/** What somebody who waits at a task's line is told beside its output: who is out of reach, and who is back. */
import type { FollowSink } from '#cli/follow/follow-tasks.ts';
import { Freshness, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

/** News of one task for a person. @param say prints a line. */
export function lineNotices(say: (line: string) => void): FollowSink {
  let away = false;
  const tell = (isAway: boolean, task: Task) => {
    if (isAway === away) return;
    away = isAway;
    say(away ? `node ${task.node} is out of reach: waiting for it` : `node ${task.node} is back`);
  };
  return {
    task: (task) => tell(task.state !== TaskState.ENDED && task.freshness !== Freshness.LIVE, task),
    log: () => {},
    contact: (lost) => say(lost ? 'lost the controller, trying to reach it again' : 'the controller is back'),
    end: () => {},
  };
}
