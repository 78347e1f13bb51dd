/** What another machine would dial to reach a controller of this one. Pure. */

/** An address for others, and whether there is none. */
export interface ReachableAddress {
  /** HOST:PORT. */
  readonly address: string;
  /** It is a loopback address: nobody else can use it. */
  readonly onlyHere: boolean;
}

/**
 * @param address HOST:PORT of the API as this machine dials it: of a listener on every interface, that is loopback too.
 * @param agentAddress HOST:PORT of the agents' listener, which tells the two apart.
 * @param hostname this machine's.
 */
export function reachableAddress(address: string, agentAddress: string, hostname: string): ReachableAddress {
  if (!isLoopback(hostOf(address))) return { address, onlyHere: false };
  if (isLoopback(hostOf(agentAddress))) return { address, onlyHere: true };
  return { address: `${hostname}${address.slice(address.lastIndexOf(':'))}`, onlyHere: false };
}

/** The host of HOST:PORT, without brackets. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** Nobody but this machine can reach that host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
