/** The peers of the bare sockets: the nodes of the fleet that they are compared with, with the same certificates. */
import { writeFileSync } from 'node:fs';
import type { FleetNode } from '#test/sim-agent/enrol-fleet.ts';

/** What one peer connects with, PEM. */
export type Peer = FleetNode['credentials'];

/** Writes them for bare-tls-worker.ts and bare-tls-peers-worker.ts, which read them as JSON. */
export function writePeers(file: string, nodes: readonly FleetNode[]): void {
  writeFileSync(file, JSON.stringify(nodes.map(({ credentials }) => credentials)), { mode: 0o600 });
}
