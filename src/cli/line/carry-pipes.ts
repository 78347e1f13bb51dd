/**
 * A task as a part of our own pipeline: standard input goes there, its outputs come out of ours, byte by byte, until it has
 * ended.
 */
import type { Readable } from 'node:stream';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import type { Output } from '#cli/output/output.ts';
import { formatSize } from '#core/format-size.ts';
import { type LogChunk, LogSource, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { followLine } from './follow-line.ts';
import { InputWriter } from './input-writer.ts';
import { lineNotices } from './line-notices.ts';
import { pumpInput } from './pump-input.ts';

/** Which task, and what with. */
export interface PipesOptions {
  readonly connection: Connection;
  readonly taskId: string;
  /** What the task is given; undefined for nothing. */
  readonly input: Readable | undefined;
  /** It has been running: go on where it is. */
  readonly joins: boolean;
  readonly abort: AbortSignal;
  /** Aborts when nothing more of the output is wanted. */
  readonly quiet: AbortSignal;
}

/** Resolves to the task when it has ended. @throws as followLine. */
export async function carryPipes(
  { out, clock }: CommandContext,
  { connection, taskId, input, joins, abort, quiet }: PipesOptions,
): Promise<readonly Task[]> {
  const say = (line: string) => out.errLine(`drover: ${line}`);
  const over = new AbortController();
  const signal = AbortSignal.any([abort, over.signal]);
  if (input) {
    const writer = new InputWriter(connection, {
      query: { refs: [taskId] },
      fromHere: joins,
      clock,
      abort: signal,
      onRefused: ({ reason }) => say(`no more input for task ${taskId}: ${reason}`),
    });
    void pumpInput(input, writer);
  }
  try {
    return await followLine(connection, {
      taskId,
      tailLines: joins ? 1 : 0,
      clock,
      abort: signal,
      quiet,
      print: (chunk) => print(out, chunk),
      notices: lineNotices(say),
    });
  } finally {
    over.abort();
    input?.destroy();
  }
}

async function print(out: Output, { source, data, goneBytes }: LogChunk): Promise<void> {
  if (goneBytes > 0n) out.errLine(`drover: ${formatSize(goneBytes)} of output are gone here`);
  if (source === LogSource.STDERR) out.err(data);
  else out.out(data);
  await out.drained();
}
