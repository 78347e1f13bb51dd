/**
 * The limits of one process that setrlimit(2) knows: their names, as operators, API and agents write them, and their numbers
 * in the kernel. The limits of a whole task are of another kind (TaskLimits) and are not here.
 *
 * @see setrlimit(2) and linux/resource.h, whose numbers x86-64 and arm64 share
 */

/** Number of each resource, RLIMIT_<NAME> of the kernel, by its name in lower case. */
export const processResources = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;

/** Name of a resource. */
export type ProcessResource = keyof typeof processResources;

/** RLIM_INFINITY: what the kernel takes for "unlimited". */
export const unlimited = 2n ** 64n - 1n;

/** Whether there is a resource of that name. */
export function isProcessResource(name: string): name is ProcessResource {
  return Object.hasOwn(processResources, name);
}
