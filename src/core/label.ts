/** What labels are made of: the keys and values that nodes carry, and that node sets and selectors ask for. */

/** Longest key and longest value, in characters. */
export const labelTextMax = 63;

/** The characters of keys and values, sticky for parsers. An empty value is a value, an empty key is no key. */
export const labelCharacters = /[A-Za-z0-9._/-]*/y;

/** What is wrong with a label, continuing `label "…"`; undefined when nothing is. */
export function findLabelProblem(key: string, value: string): string | undefined {
  const isText = (text: string) => /^[A-Za-z0-9._/-]*$/.test(text) && text.length <= labelTextMax;
  if (key !== '' && isText(key) && isText(value)) return undefined;
  return `is malformed: letters, digits and . _ / - only, ${labelTextMax} at the most`;
}

/** The labels of a node. */
export type Labels = Readonly<Record<string, string>>;

/** The value of a label; undefined where the node does not have it. */
export function labelValue(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
