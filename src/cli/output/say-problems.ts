/** Says which nodes could not be asked: their names folded, and why. */
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import type { Output } from './output.ts';
import { oneLine } from './strip-control.ts';

/** Why a node could not be asked. */
interface Problem {
  readonly node: string;
  readonly error: string;
}

/** One line for each reason, without "drover: " in front. */
export function describeProblems(problems: readonly Problem[]): string[] {
  return [...Map.groupBy(problems, ({ error }) => oneLine(error))].map(
    ([error, those]) => `${foldNodeNames(those.map(({ node }) => node))}: ${error}`,
  );
}

/** Prints them to standard error. @returns exit code 4 where there are any, else 0. */
export function sayProblems(out: Output, problems: readonly Problem[]): number {
  for (const line of describeProblems(problems)) out.errLine(`drover: ${line}`);
  return problems.length > 0 ? exitCodes.unreachable : exitCodes.success;
}
