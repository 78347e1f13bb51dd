/**
 * Folds numbers as they are written in names into the text inside brackets: the reverse of parse-number-ranges.ts.
 */
import { formatNumber, isPadded } from './number-range.ts';

interface Run {
  readonly first: string;
  readonly firstValue: number;
  readonly width: number;
  last: string;
}

/**
 * Folds numbers, for example `1-3,7` or `08-11`; exact, in natural order, without steps.
 * The result depends on the set of numbers only, and two sets never fold to the same text.
 *
 * Padding is kept apart: 1 and 01 are different. A number without zeros in front may continue a padded run (10
 * after 09), and where it could continue two runs (after 9 and 09) it continues the one that starts lower.
 * @param numbers each once, of at most 15 digits
 */
export function foldNumbers(numbers: readonly string[]): string {
  const values = numbers.map((text) => ({ text, value: Number(text) }));
  values.sort((a, b) => a.value - b.value || a.text.length - b.text.length);
  const runs: Run[] = [];
  const openRuns = new Map<string, Run>();
  for (const { text, value } of values) {
    const run = openRuns.get(text) ?? startRun(runs, text, value);
    run.last = text;
    openRuns.delete(text);
    expectNext(openRuns, run, value);
  }
  return runs.map(formatRun).join(',');
}

function startRun(runs: Run[], text: string, value: number): Run {
  const run: Run = { first: text, firstValue: value, width: isPadded(text) ? text.length : 0, last: text };
  runs.push(run);
  return run;
}

/** Remembers which number would continue the run, unless a run that starts lower waits for the same. */
function expectNext(openRuns: Map<string, Run>, run: Run, value: number): void {
  const next = formatNumber(value + 1, run.width);
  const rival = openRuns.get(next);
  if (rival === undefined || run.firstValue < rival.firstValue) {
    openRuns.set(next, run);
  }
}

function formatRun(run: Run): string {
  return run.first === run.last ? run.first : `${run.first}-${run.last}`;
}
