/** A task and what it prints, at the other end of its line, until both have ended. Prints nothing itself. */
import { type Clock, delay } from '#base/clock.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { type FollowSink, followTasks } from '#cli/follow/follow-tasks.ts';
import type { LogChunk, Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { readOutput } from './read-output.ts';

/** How long the news that a task never started may come after its node had no output of it. */
const startPatienceMs = 5_000;

/** Which task, and what of it. */
export interface FollowLineOptions {
  readonly taskId: string;
  /** Begin so many lines before the end of what there is; 0 for the beginning. */
  readonly tailLines: number;
  readonly clock: Clock;
  readonly abort: AbortSignal;
  /** Aborts when no more output is wanted. */
  readonly quiet: AbortSignal;
  /** Takes a chunk; awaited, so that a slow reader holds up the task. */
  readonly print: (chunk: LogChunk) => Promise<void>;
  /** Hears of the task, and of who is out of reach. */
  readonly notices: FollowSink;
}

/**
 * Resolves to the task when it has ended and everything was printed.
 *
 * @throws what the API refuses with; the loss of a controller that stays away; the abort's reason.
 */
export async function followLine(
  connection: Pick<Connection, 'tasks'>,
  { taskId, clock, abort, notices, ...reading }: FollowLineOptions,
): Promise<readonly Task[]> {
  const over = new AbortController();
  const signal = AbortSignal.any([abort, over.signal]);
  try {
    const query = { refs: [taskId] };
    const options = { query, output: false, patient: true, clock, abort: signal };
    const following = followTasks(connection, options, notices);
    following.catch(() => {});
    const read = readAll(connection, { ...reading, taskId, clock, abort: signal });
    const failure = await Promise.race([read, following.then(() => read)]);
    if (failure !== undefined && !(await neverStarted(following, clock, signal))) throw failure;
    return (await following).tasks;
  } finally {
    over.abort();
  }
}

/** @returns why it cannot be read; undefined when it was. */
async function readAll(
  connection: Pick<Connection, 'tasks'>,
  { print, quiet, abort, ...options }: Omit<FollowLineOptions, 'notices'>,
): Promise<unknown> {
  try {
    const until = AbortSignal.any([abort, quiet]);
    for await (const chunk of readOutput(connection, { ...options, abort: until })) {
      if (quiet.aborted) return undefined;
      await print(chunk);
    }
    return undefined;
  } catch (error) {
    return quiet.aborted ? undefined : error;
  }
}

/** What never ran has no output, which is no failure. */
async function neverStarted(
  following: ReturnType<typeof followTasks>,
  clock: Clock,
  abort: AbortSignal,
): Promise<boolean> {
  const late = delay(clock, startPatienceMs, abort).then(() => undefined);
  late.catch(() => {});
  const followed = await Promise.race([following, late]);
  return followed?.tasks.every(({ attempts }) => attempts.every(({ pid }) => pid === 0)) ?? false;
}
