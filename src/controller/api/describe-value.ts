/** Values of a request in the lines that refuse them. Pure. */

/** One line where `value` is none of an enum's; undefined where it is one. A number of a later version arrives as it is. */
export function findEnumProblem(
  name: string,
  value: number,
  values: Readonly<Record<string, number>>,
): string | undefined {
  return Object.values(values).includes(value)
    ? undefined
    : `${name} is ${value}, which is none of its values`;
}
