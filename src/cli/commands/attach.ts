/** `drover attach`: sits down at the terminal of a running task, or gives it standard input. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { exitCodeOfTasks } from '#cli/exit-code-of-tasks.ts';
import { carryPipes } from '#cli/line/carry-pipes.ts';
import { detachKeysDefault, parseDetachKeys } from '#cli/line/detach-keys.ts';
import { Seat } from '#cli/line/sit-at-terminal.ts';
import type { attachSyntax } from '#cli/syntax/line-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { describeEnd } from '#core/outcome.ts';
import { StdinMode, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { leaveSeat, sayNotStarted } from './leave-line.ts';

/** Resolves to the command's own exit code; 0 when it was left by the detach keys. */
export async function attach(
  context: CommandContext,
  { options, words }: CommandLine<(typeof attachSyntax)['options']>,
): Promise<number> {
  const [ref] = words;
  if (ref === undefined) throw new UsageError('drover attach: to which task? drover ps lists them');
  const detachKeys = parseDetachKeys(options['detach-keys'] ?? detachKeysDefault);
  const { out, terminal, input } = context;
  const connection = await context.connect(options.data);
  const task = await connection.tasks.getTask({ ref }, callOptions(context));
  const { id, spec, state, outcome, cause } = task;
  if (state === TaskState.ENDED) {
    const how = outcome ? `: ${describeEnd(outcome, cause)}` : '';
    throw new CommandError(
      exitCodes.requestFailed,
      `task ${id} has ended${how}; drover logs ${id} shows its output`,
    );
  }
  if (spec?.terminal) {
    if (!terminal || !out.outIsTerminal) {
      throw new UsageError(
        `drover attach: task ${id} has a terminal, and standard input, output or error is none here: drover logs -f ${id} reads it`,
      );
    }
    const seat = new Seat(context, { connection, taskId: id, detachKeys, joins: true });
    return await leaveSeat(context, id, seat.take(terminal));
  }
  if (spec?.stdin !== StdinMode.STREAM) {
    throw new CommandError(
      exitCodes.requestFailed,
      `task ${id} takes no input, since it was launched without: drover logs -f ${id} reads it`,
    );
  }
  if (!input)
    throw new UsageError(`drover attach: the prompt has the standard input that task ${id} would be given`);
  const never = new AbortController().signal;
  const ended = await carryPipes(context, {
    connection,
    taskId: id,
    input,
    joins: true,
    abort: context.abort,
    quiet: never,
  });
  sayNotStarted(out, ended);
  return exitCodeOfTasks(ended, { literal: true, largest: false });
}
