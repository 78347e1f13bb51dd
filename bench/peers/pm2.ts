/** A PM2 daemon of our own, through its programming interface. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { installationRoot } from '#base/installation.ts';
import { SkippedError } from '#bench/measure/take-turns.ts';

/** What setup.ts installs. */
export const pm2Version = '7.0.4';

/** Where it installs it. */
export const pm2Directory = join(installationRoot, '.build', 'peers', 'pm2');

/** As much of PM2's interface as is used here. */
interface Pm2Api {
  connect(done: (error: Error | null) => void): void;
  start(apps: readonly object[], done: (error: Error | null) => void): void;
  restart(process: string, done: (error: Error | null) => void): void;
  disconnect(done: () => void): void;
  launchBus(done: (error: Error | null, bus: Pm2Bus) => void): void;
}

interface Pm2Bus {
  on(event: 'process:event', listener: (news: { event: string }) => void): void;
}

/** A running daemon. Disposing of it ends the daemon and what it runs. */
export interface Pm2 extends AsyncDisposable {
  readonly pid: number;
  /** Starts processes that it does not know yet. */
  start(apps: readonly object[]): Promise<void>;
  /** Starts every process that it knows again. */
  restartAll(): Promise<void>;
  /** Calls the listener for each process that ends, from then on. */
  onExit(listener: () => void): Promise<void>;
}

/** @throws SkippedError where PM2 is not installed. */
export function checkPm2(): void {
  if (existsSync(join(pm2Directory, 'node_modules', 'pm2'))) return;
  throw new SkippedError('PM2 is not installed (bench/peers/setup.ts installs it)');
}

/**
 * Starts a daemon whose home is `directory`. Once in a process, since PM2 takes its home from the environment when it is
 * loaded, and so does how many processes it starts at once.
 *
 * @throws SkippedError
 */
export async function startPm2(directory: string, inFlight: number): Promise<Pm2> {
  checkPm2();
  process.env['PM2_HOME'] = directory;
  process.env['PM2_CONCURRENT_ACTIONS'] = `${inFlight}`;
  const api: Pm2Api = createRequire(join(pm2Directory, 'package.json'))('pm2');
  await promisify(api.connect.bind(api))();
  const launchBus = promisify(api.launchBus.bind(api));
  const pid = Number(readFileSync(join(directory, 'pm2.pid'), 'utf8'));
  return {
    pid,
    start: promisify(api.start.bind(api)),
    restartAll: () => promisify(api.restart.bind(api))('all'),
    async onExit(listener) {
      const bus = await launchBus();
      bus.on('process:event', ({ event }) => {
        if (event === 'exit') listener();
      });
    },
    async [Symbol.asyncDispose]() {
      // Not by its own killDaemon, whose client then dials the daemon that is gone for ever.
      await new Promise<void>((resolve) => api.disconnect(resolve));
      process.kill(pid, 'SIGTERM');
      while (existsSync(`/proc/${pid}`)) await sleep(50);
    },
  };
}
