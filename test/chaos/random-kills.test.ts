import { test } from 'node:test';
import { ChaosCluster } from './chaos-cluster.ts';
import { runRound } from './run-round.ts';

/** Few, since each takes a second or two. Others by `npm run chaos`, which names them here as "FIRST-LAST". */
const [first = 1, last = 6] = (process.env['DROVER_CHAOS_SEEDS'] ?? '1-6').split('-').map(Number);

test('random kills under random load', async (t) => {
  const cluster = await ChaosCluster.start(t);
  for (let seed = first; seed <= last; seed++) await t.test(`seed ${seed}`, () => runRound(cluster, seed));
  await cluster.verify();
});
