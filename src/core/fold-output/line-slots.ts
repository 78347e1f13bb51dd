/**
 * What may vary between similar lines: the name of the node that printed them, and numbers. Everything else is fixed text.
 */

/** What a slot of a line holds. */
export type SlotKind = 'node' | 'number';

/** Text and slots in turn; there is always one text more than slots. */
export interface SlottedLine {
  readonly texts: readonly string[];
  readonly slots: readonly { readonly kind: SlotKind; readonly text: string }[];
}

/** Digits, and what joins them to one number for the eye: 3.5, 10:04:59, 2026-11-27, 10.0.0.1, 1,024. */
const numberPattern = '[0-9]+(?:[.:,-][0-9]+)*';

/**
 * Makes the function that splits the lines of one node. Case matters; a name inside a longer word is none.
 * @param node undefined: no name is looked for
 */
export function createLineSplitter(node: string | undefined): (line: string) => SlottedLine {
  const name = node?.replace(/[^A-Za-z0-9_]/g, String.raw`\$&`);
  const ownName = name === undefined ? [] : [`(?<![A-Za-z0-9_-])${name}(?![A-Za-z0-9_-])`];
  const pattern = new RegExp([...ownName, numberPattern].join('|'), 'g');
  return (line) => {
    const texts: string[] = [];
    const slots: SlottedLine['slots'][number][] = [];
    let end = 0;
    for (const { 0: text, index } of line.matchAll(pattern)) {
      texts.push(line.slice(end, index));
      slots.push({ kind: text === node ? 'node' : 'number', text });
      end = index + text.length;
    }
    texts.push(line.slice(end));
    return { texts, slots };
  };
}

/** Equal for lines that are similar. Runs of spaces count as one, since numbers of other lengths move columns. */
export function lineKey({ texts, slots }: SlottedLine): string {
  return texts
    .map((text, i) => text.replace(/ +/g, ' ') + (i < slots.length ? `\0${slots[i]?.kind}\0` : ''))
    .join('');
}

/** The line with each slot as `show` has it. */
export function joinSlots({ texts, slots }: SlottedLine, show: (slot: number) => string): string {
  return texts.map((text, i) => text + (i < slots.length ? show(i) : '')).join('');
}
