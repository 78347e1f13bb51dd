/** Answers whether a node's labels satisfy a selector. */
import { type Labels, labelValue } from '#core/label.ts';
import type { Requirement, RequirementOperator, Selector } from './selector.ts';

const holds: Record<RequirementOperator, (value: string | undefined, values: readonly string[]) => boolean> =
  {
    in: (value, values) => value !== undefined && values.includes(value),
    'not-in': (value, values) => value === undefined || !values.includes(value),
    exists: (value) => value !== undefined,
    absent: (value) => value === undefined,
  };

/** Whether every requirement holds. Case matters. */
export function matchSelector(selector: Selector, labels: Labels): boolean {
  return selector.every((requirement) => requirementHolds(requirement, labels));
}

function requirementHolds({ key, operator, values }: Requirement, labels: Labels): boolean {
  return holds[operator](labelValue(labels, key), values);
}
