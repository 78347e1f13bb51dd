/**
 * The one place that prints errors: a line on standard error, never a stack. On a terminal a malformed expression follows
 * with a caret under the character at fault.
 */
import { UsageError } from '#base/command-line.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { Output } from './output/output.ts';

/**
 * Prints why a command failed.
 *
 * @param address HOST:PORT of the controller that was talked to, where one was.
 * @returns the exit code that goes with it.
 */
export async function printFailure(
  { out }: { readonly out: Output },
  error: unknown,
  address?: string,
): Promise<number> {
  if (error instanceof UsageError) {
    out.errLine(error.message.startsWith('drover ') ? error.message : `drover: ${error.message}`);
    return exitCodes.usage;
  }
  // Reading what the API throws takes its libraries, which a usage error should not wait for.
  const { describeFailure } = await import('./failure.ts');
  const { message, exitCode, pointer } = describeFailure(error, address);
  out.errLine(`drover: ${message}`);
  if (pointer !== undefined && out.errIsTerminal) out.errLine(pointer.replace(/^/gm, '  '));
  return exitCode;
}
