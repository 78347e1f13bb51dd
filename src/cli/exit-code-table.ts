/** The exit codes in words: `drover help exit-codes`. */
import { renderRows, wrap } from '#base/command-line.ts';
import { exitCodes } from '#core/exit-code.ts';

/** Exit code of a program whose reader went away, as a shell counts SIGPIPE. */
export const readerGone = 141;

/** Every code, and what it means. */
export const exitCodeMeanings: readonly (readonly [number, string])[] = [
  [exitCodes.success, 'every task succeeded; the request was carried out'],
  [
    exitCodes.requestFailed,
    'the request failed: controller not reachable, no such task, run or token, a limit, a launch that was not confirmed, an internal error',
  ],
  [exitCodes.usage, 'malformed: options, a value, a node set, a task reference that fits several'],
  [exitCodes.timedOut, 'a time limit ended a task, or the waiting'],
  [exitCodes.unreachable, 'some node is unreachable, or an outcome is unknown'],
  [
    exitCodes.taskFailed,
    'some task failed, did not start or was skipped; an order did not arrive, or SIGKILL did not end something',
  ],
  [exitCodes.noNode, 'no node matched, a named node does not exist, or none is left to run it again'],
  [exitCodes.denied, 'denied, by the controller or by the policy of a node'],
  [exitCodes.interrupted, 'interrupted by Ctrl-C'],
  [readerGone, 'the reader of the output went away; a run that was followed is stopped'],
];

/** What there is to say of all of them. */
export const exitCodeNotes: readonly string[] = [
  'Where several hold, the first of 2, 7, 6, 3, 4, 5 wins.',
  'drover run with exactly one plain node name exits as the command itself did: its own code, 128 + n when signal n ended it, 127 when it was not found, 126 when it could not be executed; but 3 when its time limit ended it, 7 when the policy of the node refused it.',
  'drover shell and drover up with lines from no terminal exit as the last line that failed did, with 0 where none failed; at a terminal with 0.',
  'drover run -S and drover wait -S exit with the largest of these.',
];

/** The table, at most `width` columns wide. */
export function renderExitCodes(width = 80): string {
  const rows = exitCodeMeanings.map(([code, meaning]) => [String(code), meaning] as const);
  return [
    'Exit codes:',
    ...renderRows(rows, width),
    '',
    ...exitCodeNotes.flatMap((note) => wrap(note, width)),
    '',
  ].join('\n');
}
