/** The few colours that are used, by what they mean. Off wherever the caller says so: then text stays as it is. */

const codes = { error: '31', warning: '33', success: '32', quiet: '2', strong: '1', inverse: '7' } as const;

/** What a piece of text means. */
export type Tone = keyof typeof codes;

/** `text` in the colour of `tone`, where `enabled`. */
export function paint(tone: Tone, text: string, enabled: boolean): string {
  return enabled && text !== '' ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text;
}

/** Cyan, magenta, blue, green and their bright kin: none that means something. */
const nodeCodes = ['36', '35', '34', '32', '96', '95', '94', '92'] as const;

/** `text` in the colour of a node, which is always the same one, where `enabled`. */
export function paintNode(node: string, text: string, enabled: boolean): string {
  if (!enabled || text === '') return text;
  let hash = 0;
  for (const character of node) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return `\u001b[${nodeCodes[hash % nodeCodes.length]}m${text}\u001b[0m`;
}
