/**
 * What a parsed node set is: operands, evaluated strictly from left to right, without precedence or parentheses.
 * Data only. `parse-node-set.ts` makes it and holds the grammar; treat it as opaque elsewhere.
 */
import type { NumberRange } from './number-range.ts';

/** How an operand joins what stands to its left. Written `,` `!` `&` `^`. */
export type NodeSetOperator = 'union' | 'difference' | 'intersection' | 'symmetric-difference';

/** A piece of a name: letters, one of the numbers in brackets, `?` (one character) or `*` (any number of them). */
export type NameSegment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'numbers'; readonly ranges: readonly NumberRange[] }
  | { readonly kind: 'any-one' }
  | { readonly kind: 'any' };

/**
 * One operand's content. `names` can be written out without knowing any node; the others only select
 * among nodes that exist.
 */
export type NodeSetTerm =
  | { readonly kind: 'names'; readonly segments: readonly NameSegment[] }
  | { readonly kind: 'glob'; readonly segments: readonly NameSegment[] }
  | { readonly kind: 'label'; readonly key: string; readonly value: string | undefined }
  | { readonly kind: 'all' };

/** A term, the operator before it (`union` for the first), and where in the text the term starts. */
export interface NodeSetOperand {
  readonly operator: NodeSetOperator;
  readonly position: number;
  readonly term: NodeSetTerm;
}

/** A parsed node set: at least one operand, inside every limit of node-set-limits.ts. */
export interface NodeSetExpression {
  /** The text it was parsed from, for messages. */
  readonly text: string;
  readonly operands: readonly NodeSetOperand[];
}
