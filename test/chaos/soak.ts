/**
 * `npm run chaos -- --seeds N [--from SEED]`: rounds of random kills under random load, until N seeds are through or one of
 * them fails. A seed that failed is tried again by `--from SEED --seeds 1`.
 */
import { parseArgs } from 'node:util';
import { runAlone } from './run-alone.ts';

/** Rounds of one cluster. */
const seedsAtOnce = 20;
/** A round takes seconds; one that hangs is a failure. */
const batchTimeoutMs = 15 * 60_000;
const seedsMax = 100_000;

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '100' }, from: { type: 'string', default: '1' } },
});
const [seeds, from] = [Number(values.seeds), Number(values.from)];
if (
  !Number.isSafeInteger(seeds) ||
  seeds < 1 ||
  seeds > seedsMax ||
  !Number.isSafeInteger(from) ||
  from < 1
) {
  console.error(`drover: --seeds takes 1 to ${seedsMax}, --from a seed from 1 on`);
  process.exitCode = 2;
} else {
  const failed = firstFailure(from, from + seeds - 1);
  console.log(failed === undefined ? `${seeds} seeds passed` : `failed between seeds ${failed}`);
  process.exitCode = failed === undefined ? 0 : 1;
}

/** Runs the seeds; "FIRST-LAST" of the batch that failed. */
function firstFailure(first: number, last: number): string | undefined {
  for (let at = first; at <= last; at += seedsAtOnce) {
    const batch = `${at}-${Math.min(last, at + seedsAtOnce - 1)}`;
    if (!passes(batch)) return batch;
  }
  return undefined;
}

function passes(batch: string): boolean {
  const env = { DROVER_CHAOS_SEEDS: batch };
  return runAlone('random-kills.test.ts', { env, timeoutMs: batchTimeoutMs });
}
