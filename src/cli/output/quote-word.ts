/** Words as a person would type them. Pure. */

/** `word` so that a shell would read it as that one word. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
