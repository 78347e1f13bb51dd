/** What `drover cp` is to copy from where to where, out of its words. Pure. */
import { basename } from 'node:path';
import { UsageError } from '#base/command-line.ts';
import type { TargetPlan } from '#cli/commands/plan-target.ts';
import { parseNodePath } from './node-path.ts';
import { type PlaceContext, planPlaces } from './plan-places.ts';

/** Standard input or output. */
export const standardStream = '-';

/** A copy to nodes. */
export interface CopyToNodes {
  readonly direction: 'to';
  readonly plan: TargetPlan;
  /** Paths here; `standardStream` alone is standard input. */
  readonly sources: readonly string[];
  /** Path on the nodes, without the slash at its end. */
  readonly destination: string;
  /** It must be a directory. */
  readonly intoDirectory: boolean;
  /** It is the copy itself, whatever is there. */
  readonly exact: boolean;
}

/** A copy from nodes. */
export interface CopyFromNodes {
  readonly direction: 'from';
  readonly plan: TargetPlan;
  /** Paths on the nodes. */
  readonly paths: readonly string[];
  /** Path here; `standardStream` is standard output. */
  readonly destination: string;
  /** It is the copy itself, whatever is there; of several nodes that is what each has beneath it. */
  readonly exact: boolean;
}

/** Where the words are, and whether the destination is the copy itself. */
export interface CopyContext extends PlaceContext {
  readonly exact: boolean;
}

/** @throws UsageError and ExpressionError for what cannot be meant. */
export function planCopy(words: readonly string[], context: CopyContext): CopyToNodes | CopyFromNodes {
  const sources = words.slice(0, -1);
  const destination = words.at(-1) ?? '';
  if (sources.length === 0) {
    throw new UsageError('drover cp: from where to where? such as: drover cp app.conf web[1-3]:conf/');
  }
  if (context.exact && (sources.length > 1 || destination.endsWith('/'))) {
    throw new UsageError('drover cp: -T takes one SRC, and a DST that does not end with /');
  }
  const isTo = parseNodePath(destination) !== undefined;
  const remote = sources.filter((word) => parseNodePath(word) !== undefined);
  if (isTo) return planTo(sources, remote, destination, context);
  return planFrom(sources, remote, destination, context);
}

function planTo(
  sources: readonly string[],
  remote: readonly string[],
  word: string,
  context: CopyContext,
): CopyToNodes {
  const [other] = remote;
  if (other !== undefined) {
    throw new UsageError(
      `drover cp: ${JSON.stringify(other)} and ${JSON.stringify(word)} are both on nodes: copy it here first, then to the nodes (a file here with a colon is ./NAME)`,
    );
  }
  refuseMixedStream(sources);
  const {
    plan,
    paths: [path = ''],
  } = planPlaces('cp', [word], context);
  const destination = path === '/' ? path : path.replace(/\/+$/, '');
  const intoDirectory = destination !== path || sources.length > 1 || path === '' || path === '/';
  if (context.exact && intoDirectory) {
    throw new UsageError('drover cp: with -T the DST needs a name: write NODES:PATH/NAME');
  }
  if (sources[0] === standardStream && intoDirectory) {
    throw new UsageError('drover cp: what comes from standard input needs a name: write NODES:PATH/NAME');
  }
  return { direction: 'to', plan, sources, destination, intoDirectory, exact: context.exact };
}

function planFrom(
  sources: readonly string[],
  remote: readonly string[],
  destination: string,
  context: CopyContext,
): CopyFromNodes {
  if (remote.length === 0) {
    throw new UsageError(
      `drover cp: neither ${JSON.stringify(sources[0])} nor ${JSON.stringify(destination)} is on nodes: write NODES:PATH for one of them`,
    );
  }
  const here = sources.find((word) => !remote.includes(word));
  if (here !== undefined) {
    throw new UsageError(
      `drover cp: ${JSON.stringify(here)} is here and ${JSON.stringify(remote[0])} on nodes: copy them one after the other`,
    );
  }
  const { plan, paths } = planPlaces('cp', sources, context);
  if (destination === standardStream && !(plan.literal && paths.length === 1)) {
    throw new UsageError('drover cp: standard output takes one file of one node');
  }
  if (destination === '')
    throw new UsageError('drover cp: the destination is an empty word: . is this directory');
  const nameless = paths.find((path) => ['', '.', '..'].includes(basename(path)));
  if (nameless !== undefined && destination !== standardStream) {
    throw new UsageError(`drover cp: ${JSON.stringify(nameless)} has no name to be copied under`);
  }
  return { direction: 'from', plan, paths, destination, exact: context.exact };
}

function refuseMixedStream(sources: readonly string[]): void {
  if (sources.length > 1 && sources.includes(standardStream)) {
    throw new UsageError('drover cp: standard input is copied alone');
  }
}
