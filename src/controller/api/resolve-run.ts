/** From what a person typed for a run to the run. */
import type { RunRecord, StoreReader } from '#controller/store/store.ts';
import { RefusedError } from '#protocol/errors.ts';
import { isRunId } from '#protocol/ids.ts';

/** Most candidates that a refusal lists. */
export const candidatesMax = 10;

/** A run's id or at least four characters of its beginning: fewer fit every run of a year. */
const runPrefixPattern = /^[0-9a-f-]{4,36}$/;

/** Ids of the runs that `reference` may mean: one where it is a whole id, those that begin with it, or none. */
export async function runIdsFor(reader: StoreReader, reference: string): Promise<readonly string[]> {
  if (!runPrefixPattern.test(reference)) return [];
  return reader.runIdsByPrefix(reference, candidatesMax + 1);
}

/**
 * The one run with this id or beginning of one.
 *
 * @throws RefusedError NO_SUCH_TASK, AMBIGUOUS_TASK with the candidates.
 */
export async function resolveRun(reader: StoreReader, reference: string): Promise<RunRecord> {
  const ids = isRunId(reference) ? [reference] : await runIdsFor(reader, reference);
  const [id = ''] = ids;
  if (ids.length > 1) throw ambiguous(reference, ids);
  const found = id === '' ? undefined : await reader.findRun(id);
  if (found) return found;
  throw new RefusedError('NO_SUCH_TASK', `no such run: ${JSON.stringify(reference)}`, [reference]);
}

/** The refusal of a reference that fits several things. */
export function ambiguous(reference: string, candidates: readonly string[]): RefusedError {
  const shown = candidates.slice(0, candidatesMax).join(', ');
  const more = candidates.length > candidatesMax ? ', …' : '';
  return new RefusedError(
    'AMBIGUOUS_TASK',
    `${JSON.stringify(reference)} fits several: ${shown}${more}`,
    candidates,
  );
}
