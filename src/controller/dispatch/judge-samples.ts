/**
 * Whether an agent's samples can be believed. As with its news of tasks, what an honest agent never sends is refused whole.
 * Pure.
 */
import type { TaskSample } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { isSayable } from './judge-event.ts';

/** More than any machine has of anything, in bytes or microseconds, and exact as a number of JavaScript. */
const amountMax = BigInt(Number.MAX_SAFE_INTEGER);

/** Why these samples of these tasks are refused; undefined where they are good. A task may be missing: it does not run. */
export function refuseSamples(asked: readonly string[], samples: readonly TaskSample[]): string | undefined {
  const unanswered = new Set(asked);
  for (const sample of samples) {
    if (!unanswered.delete(sample.taskId)) return 'a sample that nobody asked for, or one twice';
    const problem = refuseSample(sample);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function refuseSample(sample: TaskSample): string | undefined {
  const { processes, threads, sampledAt, userUs, systemUs, rssBytes, groupMemoryBytes, outputBytes } = sample;
  if (!sampledAt || !isSayable(sampledAt)) return 'a sample without a time';
  if (processes > limits.taskProcessesMax || threads > limits.taskProcessesMax) {
    return `a task of ${processes} processes and ${threads} threads`;
  }
  const absurd = [userUs, systemUs, rssBytes, groupMemoryBytes, outputBytes].find(
    (amount) => amount > amountMax,
  );
  return absurd === undefined ? undefined : `a task that uses ${absurd} of something`;
}
