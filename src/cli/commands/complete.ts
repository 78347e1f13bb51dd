/**
 * `drover complete`: what may stand at the end of a command line, for the scripts of the shells. It prints a line for each
 * candidate, or what the shell knows itself; see completion/shell-scripts.ts.
 */
import type { CommandLine, OptionSpecs } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { type Candidate, planCompletion, type ValueQuery } from '#cli/completion/plan-completion.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import { splitTyped } from '#cli/shell/split-words.ts';
import { exitCodes } from '#core/exit-code.ts';

/** Nobody waits longer at a Tab. */
const timeoutMs = 3_000;

/** @param line its words are those behind `drover`, as typed up to the cursor. */
export async function complete(context: CommandContext, line: CommandLine<OptionSpecs>): Promise<number> {
  const { out, commands } = context;
  const plan = planCompletion(commands, (line.rest ?? line.words).map(unquote));
  if (plan.kind === 'candidates') print(context, plan.candidates);
  else if (plan.kind === 'values') print(context, await lookUp(context, plan.query));
  else out.outLine(`:${plan.kind}`);
  return exitCodes.success;
}

async function lookUp(context: CommandContext, query: ValueQuery): Promise<Candidate[]> {
  const [connection, { completeValues }] = await Promise.all([
    context.connect(query.dataDirectory),
    import('#cli/completion/complete-values.ts'),
  ]);
  return await completeValues(connection, query, callOptions(context, timeoutMs));
}

function print({ out }: CommandContext, candidates: readonly Candidate[]): void {
  out.out(candidates.map(({ text, help }) => `${oneLine(text)}\t${oneLine(help)}\n`).join(''));
}

/** A word without its quotes and backslashes; its last quote may be open. */
function unquote(word: string): string {
  return splitTyped(word)
    .map(({ text }) => text)
    .join(' ');
}
