/** A controller and the agents of many nodes, real programs each, all on this machine, for measurements. */
import { join } from 'node:path';
import type { Cgroup } from '#bench/measure/cgroup.ts';
import { asDaemon, startController } from './bench-cluster.ts';
import { Daemon } from './daemon.ts';

/** Agents that start at the same time: more would not be faster, and each waits only so long for its controller. */
const startsAtOnce = 8;

/**
 * Starts a controller and the agents of node1 … nodeN in that cgroup, with which they end, and their data in `directory`.
 *
 * @returns what `drover --data` is to be told.
 */
export async function startFleet(
  drover: string,
  directory: string,
  nodes: number,
  cgroup: Cgroup,
): Promise<string> {
  const data = join(directory, 'controller');
  const { connection } = await startController(drover, data, { cgroup });
  using open = connection;
  const { token } = await open.joinTokens.createJoinToken({ uses: nodes });
  let started = 0;
  const lane = async () => {
    while (started < nodes) {
      const name = `node${++started}`;
      const place = join(directory, name);
      const places = ['--data', place, '--policy', join(place, 'policy.yaml')];
      const joining = ['--controller', open.address, '--name', name, '--preset', 'open'];
      const env = { DROVER_JOIN_TOKEN: token };
      await Daemon.start(drover, ['agent', ...places, ...joining, ...asDaemon], env, cgroup);
    }
  };
  await Promise.all(Array.from({ length: startsAtOnce }, lane));
  return data;
}
