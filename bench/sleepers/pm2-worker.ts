/**
 * Measures a PM2 daemon, whose client this worker is: PM2 takes its home from the environment of the process that loads it.
 *
 * usage: pm2-worker.ts DIRECTORY COUNT
 */
import { serveMeasurements } from '#bench/measure/worker.ts';
import { startPm2 } from '#bench/peers/pm2.ts';
import { measureMemory, sleeper } from './measured.ts';

const startsAtOnce = 64;

const [directory = '', count = ''] = process.argv.slice(2);
await serve(directory, Number(count));

async function serve(place: string, tasks: number): Promise<void> {
  await using pm2 = await startPm2(place, startsAtOnce);
  const daemon = [pm2.pid];
  const [script, ...args] = sleeper;
  const app = { script, args, interpreter: 'none', autorestart: false, vizion: false };
  const apps = Array.from({ length: tasks }, (_, i) => ({ ...app, name: `t${i}` }));
  const start = () => pm2.start(apps);
  await serveMeasurements(() =>
    measureMemory(tasks, { parts: () => ({ daemon }), roots: () => daemon, start }),
  );
}
