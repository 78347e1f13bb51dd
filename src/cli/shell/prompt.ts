/** The prompt: reads lines, calls commands, until it is left. Knows no cluster but through the commands. */
import type { CommandContext } from '#cli/command.ts';
import { exitCodes } from '#core/exit-code.ts';
import { interrupt, type Lines } from './lines.ts';
import { PromptSession } from './prompt-session.ts';

/** How a prompt is run. */
export interface PromptOptions {
  /** Ends the prompt, also while it waits for a line. */
  readonly leave: AbortSignal;
  /** Said at Ctrl-C on an empty line; a second one in a row leaves. Undefined: Ctrl-C never leaves. */
  readonly leaveHint?: string;
}

/**
 * Runs lines until `exit`, the end of input, or `leave`.
 *
 * @returns where nobody types, the exit code of the last line that failed; else 0.
 */
export async function runPrompt(
  context: CommandContext,
  lines: Lines,
  { leave, leaveHint }: PromptOptions,
): Promise<number> {
  const left = onceAborted(leave);
  const session = new PromptSession(context, lines);
  let lastFailure: number = exitCodes.success;
  let interrupts = 0;
  while (!leave.aborted) {
    const line = await Promise.race([lines.next(session.prompt), left]);
    if (line === undefined) break;
    if (line === interrupt) {
      interrupts += 1;
      if (leaveHint === undefined) continue;
      if (interrupts > 1) break;
      lines.notice(leaveHint);
      continue;
    }
    interrupts = 0;
    const code = await session.run(line, leave);
    if (code === 'leave') break;
    if (code !== exitCodes.success) lastFailure = code;
  }
  return lines.interactive ? exitCodes.success : lastFailure;
}

function onceAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
