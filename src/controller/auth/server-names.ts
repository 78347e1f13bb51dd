/** Under which names and addresses the controller's certificate can be verified. Opens nothing. */

import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { controllerServerName } from '#protocol/version.ts';
import type { ServerNames } from './certificates.ts';

const wildcards: readonly string[] = ['0.0.0.0', '::'];
const hostNamePattern = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** Whether listening on this host means listening on every address of the machine. */
export function isWildcardHost(host: string): boolean {
  return wildcards.includes(host);
}

/**
 * The names for a controller that listens on these hosts: always `controller.drover`, localhost, the loopback addresses
 * and the machine's own name; for a wildcard every address that the machine has now.
 *
 * @param hosts names or addresses, without brackets.
 */
export function serverNames(hosts: readonly string[]): ServerNames {
  const all = hosts.some(isWildcardHost) ? [...hosts, ...machineAddresses()] : hosts;
  const given = all.filter((host) => !isWildcardHost(host)).map((host) => host.toLowerCase());
  const names = [controllerServerName, 'localhost', hostname().toLowerCase(), ...given];
  return {
    dns: unique(names.filter((name) => isIP(name) === 0 && hostNamePattern.test(name))),
    ip: unique(['127.0.0.1', '::1', ...given].filter((host) => isIP(host) !== 0)),
  };
}

/** Link-local addresses of IPv6 are left out: they mean nothing without the name of an interface. */
function machineAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address)
    .filter((address) => !address.startsWith('fe80:'));
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
