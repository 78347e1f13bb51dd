/** `!LINE` at the prompt: a line for a shell on this machine, which has the terminal meanwhile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { exitCodes } from '#core/exit-code.ts';
import { signalNumber } from '#core/signals.ts';

const shellDefault = '/bin/sh';

/**
 * Runs it, and says how it ended where that was not in order.
 *
 * @returns its exit code; 128+n for a signal.
 * @throws CommandError where the shell does not start; the abort's reason.
 */
export async function runLocally(context: CommandContext, line: string): Promise<number> {
  const { out, terminal, environment } = context;
  const shell = environment['SHELL'] || shellDefault;
  using _lent = terminal?.lendKeys();
  // Ctrl-C reaches the line as it reaches us: it is the line's to end.
  using _interrupts = context.interrupts.listen(() => {});
  const child = spawn(shell, ['-c', line], {
    stdio: [terminal ? 'inherit' : 'ignore', 'inherit', 'inherit'],
    env: environment,
    signal: context.abort,
  });
  const [code, signal] = await once(child, 'close').catch((cause: NodeJS.ErrnoException) => {
    if (context.abort.aborted) throw cause;
    throw new CommandError(exitCodes.requestFailed, `cannot start ${shell}: ${cause.code}`, { cause });
  });
  const exitCode = signal === null ? Number(code) : 128 + (signalNumber(String(signal)) ?? 0);
  if (exitCode !== exitCodes.success) out.errLine(`here: ${signal ?? `exit ${exitCode}`}`);
  return exitCode;
}
