/**
 * What a parsed label selector is: requirements that must all hold. Data only. `parse-selector.ts` makes it and holds the
 * grammar.
 */

/**
 * - `in`: the node has the label, with one of the values.
 * - `not-in`: it has not; a node without the label passes, as in Kubernetes.
 * - `exists` and `absent`: whether it has the label, whatever its value; `values` is empty.
 */
export type RequirementOperator = 'in' | 'not-in' | 'exists' | 'absent';

/** One condition. `=`, `==` and `!=` are `in` and `not-in` with one value. */
export interface Requirement {
  readonly key: string;
  readonly operator: RequirementOperator;
  readonly values: readonly string[];
}

/** At least one requirement, inside the limits of parse-selector.ts. */
export type Selector = readonly Requirement[];
