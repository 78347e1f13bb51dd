/**
 * The program of a process full of simulated agents, started by simulated-fleet.ts: it starts those that it is told of, says
 * how they are when it is asked, and stops them when its parent lets go.
 */
import type { HostPort } from '#base/host-port.ts';
import type { FleetNode } from './enrol-fleet.ts';
import { SimulatedAgent } from './simulated-agent.ts';
import type { FleetStatus, StartAgents, WorkerRequest } from './simulated-fleet.ts';

const agents: SimulatedAgent[] = [];

process.on('message', (request: WorkerRequest) => {
  if (request.kind === 'start') void start(request);
  else process.send?.(statusOf(agents));
});
process.once('disconnect', () => void stop());

async function start({ address, directory, nodes, dialsAtOnce }: StartAgents): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let node = nodes[next++]; node; node = nodes[next++]) await begin(node, address, directory);
  };
  await Promise.all(Array.from({ length: Math.min(dialsAtOnce, nodes.length) }, lane));
  process.send?.(statusOf(agents));
}

async function begin({ name, credentials }: FleetNode, address: HostPort, directory: string): Promise<void> {
  const agent = await SimulatedAgent.start({ name, credentials, address, directory });
  agents.push(agent);
  await Promise.race([agent.ready, agent.dismissed]);
}

async function stop(): Promise<void> {
  await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
}

function statusOf(all: readonly SimulatedAgent[]): FleetStatus {
  return {
    agents: all.length,
    linked: all.filter(({ isLinked }) => isLinked).length,
    welcomes: all.reduce((sum, { welcomes }) => sum + welcomes, 0),
    lastWelcomeAtMs: all.reduce((latest, { welcomedAtMs }) => Math.max(latest, welcomedAtMs), 0),
    ordered: all.reduce((sum, { ordered }) => sum + ordered, 0),
    settled: all.reduce((sum, { settled }) => sum + settled, 0),
  };
}
