/** Finds what somebody meant to type. */

/** The word of `words` that is nearest to `typed`, if it is near enough to be meant: a beginning, or few edits away (of two letters swapped ones
 * only). */
export function nearestWord(typed: string, words: readonly string[]): string | undefined {
  const beginning = typed.length > 1 ? words.find((word) => word.startsWith(typed)) : undefined;
  if (beginning) return beginning;
  const limit = typed.length <= 5 ? 1 : 2;
  let nearest: { word: string; edits: number } | undefined;
  for (const word of words) {
    const edits = countEdits(typed, word);
    if (typed.length <= 2 && !sameLetters(typed, word)) continue;
    if (edits <= limit && (!nearest || edits < nearest.edits)) nearest = { word, edits };
  }
  return nearest?.word;
}

function sameLetters(a: string, b: string): boolean {
  return [...a].sort().join('') === [...b].sort().join('');
}

/** Insertions, deletions, replacements and swaps of neighbours that make `b` of `a` (optimal string alignment). */
function countEdits(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min((above[j - 1] ?? 0) + (same ? 0 : 1), (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (before[j - 2] ?? 0) + 1);
      }
      row.push(edits);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}
