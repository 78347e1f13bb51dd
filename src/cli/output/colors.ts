/** The few colours that are used, by what they mean. Off wherever the caller says so: then text stays as it is. */

const codes = { error: '31', warning: '33', success: '32', quiet: '2', strong: '1', inverse: '7' } as const;

/** What a piece of text means. */
export type Tone = keyof typeof codes;

/** `text` in the colour of `tone`, where `enabled`. */
export function paint(tone: Tone, text: string, enabled: boolean): string {
  return enabled && text !== '' ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text;
}
