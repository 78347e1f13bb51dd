/** Which nodes a command is to launch on, out of its command line. Pure: a file of hosts is read by the caller. */
import { type OptionValues, UsageError } from '#base/command-line.ts';
import { parseCount } from '#cli/parse-count.ts';
import type { targetOptions } from '#cli/syntax/target-options.ts';
import { literalNodeName } from '#core/node-set/expand-node-set.ts';
import type { NodeSetExpression } from '#core/node-set/node-set-expression.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import type { Target } from '#core/node-set/resolve-target.ts';
import { parseSelector } from '#core/selector/parse-selector.ts';

/** Values of the options that name nodes. */
export type TargetValues = OptionValues<typeof targetOptions>;

/** A target as it was given. */
export interface TargetPlan {
  /** As requests of the API have it; without the sets of a file of hosts, which only `target` holds. */
  readonly request: { readonly nodes: string; readonly exclude: string; readonly selector: string };
  readonly target: Target;
  /** Take so many of them at random. */
  readonly pick: number | undefined;
  /** `request` does not say it all: the names have to be found first. */
  readonly needsNames: boolean;
  /** Exactly one plain node name. */
  readonly literal: boolean;
  /** It is the prompt's selection, which is on the screen. */
  readonly isSelection: boolean;
}

/**
 * Plans a target.
 *
 * @param selection nodes where the command line names none; undefined: then it must.
 * @param hosts the sets of --hostfile.
 * @throws UsageError and ExpressionError for what cannot be meant.
 */
export function planTarget(
  command: string,
  options: TargetValues,
  selection: string | undefined,
  hosts: readonly NodeSetExpression[] = [],
): TargetPlan {
  const { all, nodes: given, exclude = '', label: selector = '', hostfile } = options;
  if (all && given !== undefined) throw new UsageError(`drover ${command}: give -a or -w, not both`);
  const named = all ? '@all' : (given ?? '');
  const isOpen = named === '' && hostfile === undefined;
  const isSelection = isOpen && selection !== undefined;
  const nodes = isSelection ? selection : named;
  if (isOpen && !isSelection && selector === '') {
    throw new UsageError(`drover ${command}: on which nodes? name them with -w SET, or all with -a`);
  }
  if (hostfile !== undefined && hosts.length === 0) {
    throw new UsageError(`--hostfile: there is no node in ${hostfile}`);
  }
  const sets = nodes === '' ? [] : [parseNodeSet(nodes)];
  const pick = options.pick === undefined ? undefined : parseCount(options.pick, '--pick');
  const isPlain = exclude === '' && selector === '' && hosts.length === 0 && pick === undefined;
  const [set] = sets;
  return {
    request: { nodes, exclude, selector },
    target: {
      sets: [...sets, ...hosts],
      selector: selector === '' ? undefined : parseSelector(selector),
      exclude: exclude === '' ? [] : [parseNodeSet(exclude)],
    },
    pick,
    needsNames: hosts.length > 0 || pick !== undefined,
    literal: isPlain && set !== undefined && literalNodeName(set) !== undefined,
    isSelection: isSelection && selector === '',
  };
}
