/** Ctrl-R: looks for what was typed before, from the newest backwards. Pure. */

/** A search under way. */
export interface Search {
  /** What is looked for. */
  readonly query: string;
  /** Index in the history of what is shown; -1 before anything was found. */
  readonly index: number;
  /** Nothing more has it: what is shown is the last that had. */
  readonly failed: boolean;
}

/** How a search begins. */
export const emptySearch: Search = { query: '', index: -1, failed: false };

/** With more of what is looked for: what is shown stays where it has that too. */
export function extendSearch(search: Search, text: string, lines: readonly string[]): Search {
  const query = search.query + text;
  if (lines[search.index]?.includes(query)) return { ...search, query };
  return find(query, search.index, lines);
}

/** With one character less, as it would have been found from the newest line on. */
export function shortenSearch({ query }: Search, lines: readonly string[]): Search {
  const shorter = [...query].slice(0, -1).join('');
  return shorter === '' ? emptySearch : find(shorter, -1, lines);
}

/** The next older line. */
export function searchOlder(search: Search, lines: readonly string[]): Search {
  return search.query === '' ? search : find(search.query, search.index, lines);
}

/** What stands in place of the prompt. */
export function renderSearch({ query, failed }: Search): string {
  return `${failed ? 'nothing more with' : 'search'} '${query}': `;
}

/** The first line that has it, older than the one at `shown` and not its repetition. */
function find(query: string, shown: number, lines: readonly string[]): Search {
  const index = lines.findIndex((line, i) => i > shown && line !== lines[shown] && line.includes(query));
  return index === -1 ? { query, index: shown, failed: true } : { query, index, failed: false };
}
