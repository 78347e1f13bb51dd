/** `drover completion`: prints the script that makes a shell complete drover's words. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { completionScripts, shells } from '#cli/completion/shell-scripts.ts';
import type { completionSyntax } from '#cli/syntax/tool-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';

/** Exit code 2 for a shell that there is none for. */
export async function completion(
  { out }: CommandContext,
  { words: [word] }: CommandLine<(typeof completionSyntax)['options']>,
): Promise<number> {
  const shell = shells.find((one) => one === word);
  if (shell === undefined) {
    const what = word === undefined ? 'which shell?' : `there is no script for ${JSON.stringify(word)}:`;
    throw new UsageError(`drover completion: ${what} give ${shells.join(', ')}`);
  }
  out.out(completionScripts[shell]);
  return exitCodes.success;
}
