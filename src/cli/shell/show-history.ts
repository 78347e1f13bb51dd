/** `history` at the prompt: what was typed before. */
import { UsageError } from '#base/command-line.ts';
import type { Output } from '#cli/output/output.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import { parseCount } from '#cli/parse-count.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { Lines } from './lines.ts';

/** `history` shows everything, oldest first, `history N` the latest N lines, `history -c` forgets all. */
export function showHistory(out: Output, lines: Lines, words: readonly string[]): number {
  const [word] = words;
  if (words.length > 1)
    throw new UsageError('history takes one word: a number of lines, or -c to forget all');
  if (word === '-c') {
    lines.clearHistory();
    return exitCodes.success;
  }
  const count = word === undefined ? lines.history.length : parseCount(word, 'history');
  for (const line of lines.history.slice(0, count).toReversed()) out.outLine(oneLine(line));
  return exitCodes.success;
}
