/**
 * Launches by PM2: it starts all processes that it knows again, the fastest way that it has. The worker is its client.
 *
 * usage: pm2-worker.ts DIRECTORY COUNT IN-FLIGHT
 */
import { join } from 'node:path';
import { cpuSecondsOf } from '#bench/measure/process-tree.ts';
import { serveMeasurements } from '#bench/measure/worker.ts';
import { startPm2 } from '#bench/peers/pm2.ts';
import { measureLaunches } from './measured.ts';

const [directory = '', count = '', inFlight = ''] = process.argv.slice(2);
await serve(directory, Number(count), Number(inFlight));

async function serve(place: string, launches: number, concurrency: number): Promise<void> {
  await using pm2 = await startPm2(place, concurrency);
  let awaited = Promise.withResolvers<void>();
  let ended = 0;
  await pm2.onExit(() => {
    if (++ended === launches) awaited.resolve();
  });
  const untilEnded = async (launch: () => Promise<void>) => {
    ended = 0;
    awaited = Promise.withResolvers();
    await launch();
    await awaited.promise;
  };
  await untilEnded(() => pm2.start(Array.from({ length: launches }, (_, i) => appOf(place, i))));
  const roots = [process.pid, pm2.pid];
  await serveMeasurements(() =>
    measureLaunches(
      launches,
      () => cpuSecondsOf(roots),
      () => untilEnded(pm2.restartAll),
    ),
  );
}

function appOf(place: string, i: number): object {
  return {
    name: `t${i}`,
    script: '/bin/true',
    interpreter: 'none',
    autorestart: false,
    vizion: false,
    out_file: join(place, `${i}.out`),
    error_file: join(place, `${i}.err`),
  };
}
