/** `npm run chaos-long`: the cases whose faults last for minutes, at the pace that they have outside of tests. */
import { runAlone } from './run-alone.ts';

/** The files that take their times from pace.ts, but for one that has no time of its own. */
const files = ['stopped-daemons.test.ts', 'partitions.test.ts'];

const timeoutMs = 60 * 60_000;

const failed = files.filter((file) => !runAlone(file, { env: { DROVER_CHAOS_RATE: '1' }, timeoutMs }));
console.log(failed.length === 0 ? `${files.length} files passed` : `failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
