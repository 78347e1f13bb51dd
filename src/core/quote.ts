/** Text of others in the lines that we write. Pure. */

/** As JSON has it, cut short: it came from anywhere. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
