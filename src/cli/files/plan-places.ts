/** Which paths on which nodes a command about files means, out of its words and options. Pure. */
import { UsageError } from '#base/command-line.ts';
import { planTarget, type TargetPlan, type TargetValues } from '#cli/commands/plan-target.ts';
import type { NodeSetExpression } from '#core/node-set/node-set-expression.ts';
import { limits } from '#protocol/limits.ts';
import { parseNodePath } from './node-path.ts';

/** Paths on nodes. */
export interface Places {
  readonly plan: TargetPlan;
  /** As they are on each of the nodes. */
  readonly paths: readonly string[];
}

/** What a command says of nodes elsewhere than in its words. */
export interface PlaceContext {
  readonly options: TargetValues;
  /** The prompt's; undefined on the command line. */
  readonly selection: string | undefined;
  /** The sets of --hostfile. */
  readonly hosts: readonly NodeSetExpression[];
}

/**
 * Plans the words of a command that takes nothing but paths on nodes. The nodes are named once: in a word, by options, or by the
 * prompt's selection; then the other words are plain paths, with or without a colon in front.
 *
 * @param command its name, for errors.
 * @throws UsageError and ExpressionError for what cannot be meant.
 */
export function planPlaces(command: string, words: readonly string[], context: PlaceContext): Places {
  const { options, selection, hosts } = context;
  const places = words.map((word) => parseNodePath(word) ?? { nodes: '', path: word });
  const named = [...new Set(places.flatMap(({ nodes }) => (nodes === '' ? [] : [nodes])))];
  const [nodes, another] = named;
  if (another !== undefined) {
    throw new UsageError(
      `drover ${command}: ${JSON.stringify(nodes)} and ${JSON.stringify(another)}: name the nodes once, as "${nodes},${another}:PATH", or call it twice`,
    );
  }
  if (nodes !== undefined && namesNodes(options)) {
    throw new UsageError(
      `drover ${command}: the nodes are ${JSON.stringify(nodes)} or those of the options: give one of them`,
    );
  }
  if (nodes === undefined && selection === undefined && !namesNodes(options) && options.label === undefined) {
    throw new UsageError(
      `drover ${command}: on which nodes? write NODES:PATH, such as "web[1-3]:${places[0]?.path || 'PATH'}"`,
    );
  }
  if (places.length > limits.filePathsMax) {
    throw new UsageError(`drover ${command}: ${places.length} paths are more than ${limits.filePathsMax}`);
  }
  const target = nodes === undefined ? options : { ...options, nodes };
  return { plan: planTarget(command, target, selection, hosts), paths: places.map(({ path }) => path) };
}

/** Some option names nodes by itself; a label only narrows what is named elsewhere. */
function namesNodes({ nodes, all, hostfile }: TargetValues): boolean {
  return nodes !== undefined || all === true || hostfile !== undefined;
}
