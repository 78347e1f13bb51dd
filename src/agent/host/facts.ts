/** What an agent tells of its host. A fact that cannot be read is left empty: it stops nobody from working. */
import { readFile, statfs } from 'node:fs/promises';
import {
  arch,
  availableParallelism,
  hostname,
  loadavg,
  networkInterfaces,
  release,
  totalmem,
  type,
} from 'node:os';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { PolicyStanding } from '#agent/policy/policy-file.ts';
import { type Disk, DiskSchema, type HostFacts, HostFactsSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import { limits } from '#protocol/limits.ts';

/** Disks and addresses that are told (node.proto). */
const listedMax = 32;

/** Names of processors as the kernel has them, by Node's. */
const kernelArch: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** Reads the facts of this host; what the supervisor and the policy are is told with them. Never rejects. */
export async function readHostFacts(
  supervisorVersion: string,
  { digest, sinceMs, problem }: PolicyStanding,
): Promise<HostFacts> {
  const [osRelease, bootId, mounts, meminfo] = await Promise.all([
    readOrEmpty('/etc/os-release'),
    readOrEmpty('/proc/sys/kernel/random/boot_id'),
    readOrEmpty('/proc/self/mounts'),
    readOrEmpty('/proc/meminfo'),
  ]);
  return create(HostFactsSchema, {
    hostname: hostname(),
    os: prettyName(osRelease) ?? type(),
    kernel: release(),
    arch: kernelArch[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: BigInt(totalmem()),
    bootId: bootId.trim(),
    disks: await readDisks(deviceMounts(mounts).slice(0, listedMax)),
    addresses: outerAddresses().slice(0, listedMax),
    loadMillis: loadavg().map((load) => Math.round(load * 1_000)),
    supervisorVersion,
    policy: { digest, since: timestampFromMs(sinceMs), problem: problem.slice(0, limits.policyProblemMax) },
    memoryAvailableBytes: BigInt(/^MemAvailable: +(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1_024n,
  });
}

/** A mounted device. */
export interface DeviceMount {
  readonly mount: string;
  readonly type: string;
}

/**
 * What is mounted of devices, each device once: its first mount, so that bind mounts do not count it again.
 *
 * @param mounts as /proc/self/mounts has them. @see proc_mounts(5)
 */
export function deviceMounts(mounts: string): DeviceMount[] {
  const seen = new Set<string>();
  return mounts.split('\n').flatMap((line) => {
    const [device = '', mount = '', type = ''] = line.split(' ');
    if (!device.startsWith('/dev/') || seen.has(device)) return [];
    seen.add(device);
    return [{ mount: unescapeOctal(mount), type }];
  });
}

/** A space in a path is written \\040 there. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

async function readDisks(mounts: readonly DeviceMount[]): Promise<Disk[]> {
  const disks = await Promise.all(
    mounts.map(async ({ mount, type: kind }) => {
      const found = await statfs(mount, { bigint: true }).catch(() => undefined);
      if (!found) return [];
      const { blocks, bavail, bsize } = found;
      return [
        create(DiskSchema, { mount, type: kind, sizeBytes: blocks * bsize, freeBytes: bavail * bsize }),
      ];
    }),
  );
  return disks.flat();
}

/** Those by which others may reach this host. */
function outerAddresses(): string[] {
  return Object.values(interfacesOrNone())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}

/** To ask the kernel takes a descriptor, and there may be none left. */
function interfacesOrNone(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces();
  } catch {
    return {};
  }
}

/**
 * PRETTY_NAME of an os-release file; undefined where it has none.
 *
 * @see https://www.freedesktop.org/software/systemd/man/os-release.html
 */
export function prettyName(osRelease: string): string | undefined {
  const [, value] = /^PRETTY_NAME=(.*)$/m.exec(osRelease) ?? [];
  return value
    ?.trim()
    .replace(/^(["'])(.*)\1$/, '$2')
    .replace(/\\(.)/g, '$1');
}

async function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
