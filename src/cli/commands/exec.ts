/** `drover exec`: runs a command on one node as if it ran here. */
import { create } from '@bufbuild/protobuf';
import { v7 } from 'uuid';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { exitCodeOfTasks } from '#cli/exit-code-of-tasks.ts';
import { carryPipes } from '#cli/line/carry-pipes.ts';
import { Seat } from '#cli/line/sit-at-terminal.ts';
import type { Terminal } from '#cli/terminal.ts';
import { exitCodes } from '#core/exit-code.ts';
import { CreateRunRequestSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { leaveSeat, sayNotStarted } from './leave-line.ts';
import { type ExecOptions, planExec } from './plan-exec.ts';
import { requestRun } from './request-run.ts';
import { RunInterrupts } from './run-interrupts.ts';

/** Resolves to the command's own exit code; 0 when it was left by the detach keys. */
export async function exec(context: CommandContext, line: CommandLine<ExecOptions>): Promise<number> {
  const { options } = line;
  const { out, terminal, term, input } = context;
  const size = out.size;
  const plan = planExec(line, terminal && size && { size, name: term });
  if (options.interactive && !options.tty && !input) {
    throw new UsageError(
      'drover exec: -i needs a standard input to give, and the prompt has it: -it gives the keyboard',
    );
  }
  const connection = await context.connect(options.data);
  const request = create(CreateRunRequestSchema, { ...plan.request, id: v7() });
  const { created, interrupted } = await requestRun(context, connection, request);
  const [task] = created.tasks;
  if (!task) throw new Error('a run of one node has no task');
  if (options.tty && terminal && !interrupted) {
    return await sit(context, connection, terminal, task, plan.detachKeys);
  }
  using interrupts = new RunInterrupts({ ...context, terminal: undefined }, connection, request.id);
  if (interrupted) context.interrupts.raise();
  const pipes = {
    connection,
    taskId: task.id,
    input: options.interactive && !options.tty ? input : undefined,
    joins: false,
    abort: AbortSignal.any([context.abort, interrupts.left]),
    quiet: interrupts.quiet,
  };
  const ended = await carryPipes(context, pipes).catch((error: unknown) => {
    if (!interrupts.left.aborted) throw error;
    out.errLine(`drover: left with task ${task.id} not ended: drover wait ${task.id}`);
    return [];
  });
  if (interrupts.state !== undefined) return exitCodes.interrupted;
  sayNotStarted(out, ended);
  return exitCodeOfTasks(ended, { literal: true, largest: false });
}

async function sit(
  context: CommandContext,
  connection: Connection,
  terminal: Terminal,
  task: Task,
  detachKeys: Uint8Array,
): Promise<number> {
  const seat = new Seat(context, { connection, taskId: task.id, detachKeys, joins: false });
  return await leaveSeat(context, task.id, seat.take(terminal));
}
