/** What an agent tells of its host. A fact that cannot be read is left empty: it stops nobody from working. */
import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, hostname, release, totalmem, type } from 'node:os';
import { create } from '@bufbuild/protobuf';
import { type HostFacts, HostFactsSchema } from '#protocol/gen/drover/v1/node_pb.ts';

/** Names of processors as the kernel has them, by Node's. */
const kernelArch: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** Reads the facts of this host. Never rejects. */
export async function readHostFacts(): Promise<HostFacts> {
  const [osRelease, bootId] = await Promise.all([
    readOrEmpty('/etc/os-release'),
    readOrEmpty('/proc/sys/kernel/random/boot_id'),
  ]);
  return create(HostFactsSchema, {
    hostname: hostname(),
    os: prettyName(osRelease) ?? type(),
    kernel: release(),
    arch: kernelArch[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: BigInt(totalmem()),
    bootId: bootId.trim(),
  });
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
