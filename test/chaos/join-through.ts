/** A node whose agent dials another address than its controller's: where a proxy listens. */

import { storeIdentity } from '#agent/identity.ts';
import { joinCluster } from '#agent/join.ts';
import type { HostPort } from '#base/host-port.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { parseJoinToken } from '#core/join-token.ts';

/** Where a node is to have its state, and whom it is to dial. */
export interface NodePlace {
  readonly name: string;
  /** Of its agent. */
  readonly directory: string;
  /** The controller's API. */
  readonly controller: HostPort;
  /** Where its agent dials. */
  readonly dials: HostPort;
}

/** Joins as the agent would, before that is started for the first time. */
export async function joinThrough(api: Connection, place: NodePlace): Promise<void> {
  const { name, directory, controller, dials } = place;
  const { token } = await api.joinTokens.createJoinToken({ names: name });
  const identity = await joinCluster(
    { token: parseJoinToken(token), controller, name },
    AbortSignal.timeout(30_000),
  );
  await storeIdentity(directory, { ...identity, agentAddress: dials });
}
