/** What somebody sees of a run while it is followed, and at its end. Each way of seeing it is a file of its own beside this. */
import type { Followed } from '#cli/follow/follow-tasks.ts';
import type { LogChunk, Task } from '#protocol/gen/drover/v1/task_pb.ts';

/** One way of seeing a run. What it gives back is awaited, so that a slow reader holds up the stream. */
export interface RunView {
  /** What the tasks print is wanted. */
  readonly wantsOutput: boolean;
  /** A task as it is now. */
  task(task: Task): void | Promise<void>;
  /** Something that was printed; never after the end of its task. */
  log(chunk: LogChunk): void | Promise<void>;
  /** No more output comes, for whatever reason: what was held back is to be shown. */
  flush(): void;
  /** How many ended how is told after it. */
  readonly hasFooter: boolean;
  /** How it ended. */
  finish(followed: Followed): void | Promise<void>;
}
