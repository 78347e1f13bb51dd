/** From what a person typed for a run to the run. */
import type { Operator } from '#controller/auth/authorize.ts';
import type { RunRecord, StoreReader } from '#controller/store/store.ts';
import { expandNodeSet } from '#core/node-set/expand-node-set.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { Run } from '#protocol/gen/drover/v1/task_pb.ts';
import { isRunId } from '#protocol/ids.ts';
import { allowedNodes } from './sight.ts';

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
 * The one run with this id or beginning of one, as the operator sees it.
 *
 * @throws RefusedError NO_SUCH_TASK, AMBIGUOUS_TASK with the candidates.
 */
export async function resolveRun(
  reader: StoreReader,
  operator: Operator,
  reference: string,
): Promise<RunRecord> {
  const ids = isRunId(reference) ? [reference] : await runIdsFor(reader, reference);
  const [id = ''] = ids;
  if (ids.length > 1) throw ambiguous(reference, ids);
  const found = id === '' ? undefined : await reader.findRun(id);
  const run = found && (await seenRun(reader, operator, found.run));
  if (found && run) return { ...found, run };
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

/** The run as the operator sees it: without the nodes on which they may not read tasks. Undefined where that is all of them. */
async function seenRun(reader: StoreReader, operator: Operator, run: Run): Promise<Run | undefined> {
  const [seen] = await seenRuns(reader, operator, [run]);
  return seen;
}

/** Those of these runs that the operator sees. */
export async function seenRuns(
  reader: StoreReader,
  operator: Operator,
  runs: readonly Run[],
): Promise<readonly Run[]> {
  const allowed = await allowedNodes(reader, operator, [Verb.TASK_READ]);
  if (!allowed) return runs;
  return runs.flatMap((run) => {
    const names =
      run.nodes === '' ? [] : expandNodeSet(parseNodeSet(run.nodes)).filter((name) => allowed.has(name));
    return names.length === 0 ? [] : [{ ...run, nodes: foldNodeNames(names) }];
  });
}
