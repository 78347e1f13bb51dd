/** What is started, and until when. Figures in milliseconds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { startController } from '#bench/cluster/bench-cluster.ts';
import { Daemon } from '#bench/cluster/daemon.ts';
import { type Contestant, inPlaces } from '#bench/measure/take-turns.ts';
import { readAccess } from '#cli/access-file.ts';
import { type Connection, connectCluster } from '#cli/connect-cluster.ts';
import { endingOf } from '#core/outcome.ts';

/** One start of a command to its end, the mean of so many. */
export function enterCommand([file = '', ...args]: readonly string[], starts: number): Contestant<number> {
  return {
    async measure() {
      const from = performance.now();
      for (let i = 0; i < starts; i++) {
        const [code] = await once(spawn(file, args, { stdio: 'ignore' }), 'exit');
        if (code !== 0) throw new Error(`${file} ended with ${code}`);
      }
      return (performance.now() - from) / starts;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A controller whose data directory does not exist yet, to the answer to the first call. */
export function enterController(drover: string, directory: string): Contestant<number> {
  return inPlaces(directory, async (place) => {
    const from = performance.now();
    await using controller = await startController(drover, join(place, 'controller'));
    await controller.connection.cluster.getCluster({});
    return performance.now() - from;
  });
}

/** `drover up` where there was nothing, to the end of the first task. */
export function enterUp(drover: string, directory: string): Contestant<number> {
  return inPlaces(directory, async (place) => {
    const from = performance.now();
    const ports = ['--listen', '127.0.0.1:0', '--agent-listen', '127.0.0.1:0'];
    await using _up = await Daemon.start(drover, ['up', '--nodes', '1', ...ports, '--no-shell'], {
      DROVER_DATA: place,
    });
    using connection = connectCluster(readAccess(place));
    await runOnce(connection);
    return performance.now() - from;
  });
}

async function runOnce({ runs, tasks }: Connection): Promise<void> {
  const { run } = await runs.createRun({ id: uuid(), nodes: 'node1', spec: { argv: ['true'] } });
  for await (const { kind } of tasks.followTasks({ query: { runId: run?.id ?? '' } })) {
    if (kind.case !== 'task' || !kind.value.outcome) continue;
    if (endingOf(kind.value.outcome) === 'succeeded') return;
    throw new Error(`the first task ended with ${JSON.stringify(kind.value.outcome)}`);
  }
}
