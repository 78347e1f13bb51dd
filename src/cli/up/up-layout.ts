/** Where `drover up` keeps what, and which nodes it starts. Pure. */
import { join } from 'node:path';
import type { CommandLine } from '#base/command-line.ts';
import { UsageError } from '#base/command-line.ts';
import { type HostPort, parseHostPort } from '#base/host-port.ts';
import { parseCount } from '#cli/parse-count.ts';
import type { upSyntax } from '#cli/syntax/cluster-syntax.ts';
import { compareNames } from '#core/node-set/compare-names.ts';

/** Nodes that one `up` starts at the most: each is two processes of this machine. */
export const upNodesMax = 100;

/** Paths beneath the data directory. */
export interface UpLayout {
  /** The data directory itself. */
  readonly root: string;
  /** Held by the `up` that runs; also what it remembers from start to start. */
  readonly lock: string;
  readonly controller: string;
  /** One directory a node. */
  readonly nodes: string;
  readonly logs: string;
}

/** The layout of `root`. */
export function layoutOf(root: string): UpLayout {
  return {
    root,
    lock: join(root, 'up'),
    controller: join(root, 'controller'),
    nodes: join(root, 'nodes'),
    logs: join(root, 'log'),
  };
}

/** What `drover up` was asked to do. */
export interface UpPlan {
  /** At least so many nodes; undefined: as many as there are, one at the least. */
  readonly nodes: number | undefined;
  readonly listen: HostPort | undefined;
  readonly agentListen: HostPort | undefined;
  readonly shell: boolean;
  readonly keep: boolean;
}

/** Plans out of the command line. @throws UsageError */
export function planUp({ options }: CommandLine<(typeof upSyntax)['options']>): UpPlan {
  const nodes = options.nodes === undefined ? undefined : parseCount(options.nodes, '--nodes');
  if (nodes !== undefined && nodes > upNodesMax) {
    throw new UsageError(`--nodes takes 1 to ${upNodesMax}, not ${nodes}: more nodes want more machines`);
  }
  return {
    nodes,
    listen: readListen(options.listen, '--listen'),
    agentListen: readListen(options['agent-listen'], '--agent-listen'),
    shell: !options['no-shell'],
    keep: options.keep ?? false,
  };
}

/**
 * The names of the nodes to start: every one that there is, and node1, node2 … up to the number that was asked for.
 *
 * @param present names of the directories that there are; those of other forms are none of ours.
 */
export function planNodes(present: readonly string[], wanted: number | undefined): string[] {
  const known = present.filter((name) => /^node[1-9]\d*$/.test(name));
  const atLeast = wanted ?? (known.length > 0 ? 0 : 1);
  const numbered = Array.from({ length: atLeast }, (_, i) => `node${i + 1}`);
  return [...new Set([...known, ...numbered])].sort(compareNames);
}

/**
 * The port that agents shall connect to. Nodes that have joined know one, so it cannot change under them.
 *
 * @param known port of the last start; undefined where no node has joined yet.
 * @throws UsageError where another one is asked for.
 */
export function planAgentPort(asked: HostPort | undefined, known: number | undefined): HostPort {
  const { host, port } = asked ?? { host: '127.0.0.1', port: known ?? 7444 };
  if (known === undefined || port === known) return { host, port };
  if (port === 0) return { host, port: known };
  throw new UsageError(
    `--agent-listen: the nodes of this cluster connect to port ${known}, so it cannot be ${port}`,
  );
}

function readListen(text: string | undefined, option: string): HostPort | undefined {
  if (text === undefined) return undefined;
  const address = parseHostPort(text);
  if (!address || address.host === '')
    throw new UsageError(`${option} takes HOST:PORT, not ${JSON.stringify(text)}`);
  return address;
}
