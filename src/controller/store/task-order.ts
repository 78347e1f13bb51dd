/**
 * The one number by which tasks are listed: newest run first, and a run's tasks in the order in which they were
 * recorded. It packs the run's number with the position counted backwards, so that a list is one falling scan of one
 * index and a page token is one number.
 */

/** Tasks that one run may ever have; runs.number stays exact below 2^33. */
export const runTasksMax = 2 ** 20;

/** The recencies of a run: from the last position's to just above the first's. */
export function recencyRange(run: number): { readonly from: number; readonly below: number } {
  return { from: run * runTasksMax, below: (run + 1) * runTasksMax };
}
