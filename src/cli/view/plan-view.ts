/** Which way of seeing a run was asked for. Pure. */
import { type OptionValues, UsageError } from '#base/command-line.ts';
import type { followingOptions } from '#cli/syntax/following-options.ts';

/** Values of the options that say what is seen. */
export type ViewValues = OptionValues<typeof followingOptions>;

/** A way of seeing a run. */
export type ViewPlan =
  | { readonly kind: 'lines'; readonly raw: boolean }
  | { readonly kind: 'json' }
  | { readonly kind: 'json lines' }
  | { readonly kind: 'name' }
  | { readonly kind: 'folded'; readonly fold: FoldPlan }
  /** Beside files, only what is folded is shown. */
  | { readonly kind: 'files'; readonly directory: string; readonly fold: FoldPlan | undefined };

/** How equal output is shown once. */
export interface FoldPlan {
  /** Standard error is folded too; else it is shown as it comes. */
  readonly withStderr: boolean;
  /** Only what differs from the largest group. */
  readonly diff: boolean;
  /** Output counts as equal that is so up to the nodes' names and numbers. */
  readonly similar: boolean;
}

/**
 * Plans a view.
 *
 * @param folding equal output is folded where the options do not say what is seen.
 * @throws UsageError for options that contradict each other.
 */
export function planView(command: string, options: ViewValues, folding = false): ViewPlan {
  const { output = 'table', outdir, raw = false, detach = false } = options;
  const asked = (['fold', 'fold-stderr', 'diff', 'similar'] as const).filter((name) => options[name]);
  const shaped = outdir === undefined ? asked : [...asked, 'outdir'];
  const against = detach ? '--detach' : output === 'table' ? undefined : `-o ${output}`;
  if (shaped[0] !== undefined && against !== undefined) {
    throw new UsageError(`drover ${command}: --${shaped[0]} and ${against} contradict each other`);
  }
  if (raw && asked[0] !== undefined) {
    throw new UsageError(`drover ${command}: --${asked[0]} and --raw contradict each other`);
  }
  if (output === 'json') return { kind: 'json' };
  if (output === 'jsonl') return { kind: 'json lines' };
  if (output === 'name') return { kind: 'name' };
  const { 'fold-stderr': withStderr = false, diff = false, similar = false } = options;
  const isFolded = asked.length > 0 || (folding && !raw && outdir === undefined);
  const fold = isFolded ? { withStderr, diff, similar } : undefined;
  if (outdir !== undefined) return { kind: 'files', directory: outdir, fold };
  return fold ? { kind: 'folded', fold } : { kind: 'lines', raw };
}
