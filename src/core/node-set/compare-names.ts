/**
 * The natural order of names: numbers by their value, everything else by its characters.
 */

/**
 * Compares two names for sorting: node2 before node10, at every place of the name, and for numbers of any length.
 * Names that differ only in padding follow by length (node1, node01), then by characters, so that the order is
 * total: 0 only for equal names. Upper case before lower case, by code unit; no locale.
 */
export function compareNames(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (isDigit(a, i) && isDigit(b, j)) {
      const endOfA = endOfDigits(a, i);
      const endOfB = endOfDigits(b, j);
      const order = compareDigits(a, i, endOfA, b, j, endOfB);
      if (order !== 0) {
        return order;
      }
      i = endOfA;
      j = endOfB;
    } else {
      const order = a.charCodeAt(i) - b.charCodeAt(j);
      if (order !== 0) {
        return order;
      }
      i += 1;
      j += 1;
    }
  }
  return a.length - i - (b.length - j) || a.length - b.length || compareText(a, b);
}

/** Compares two runs of digits by value: without zeros in front the longer is greater, else the text decides. */
function compareDigits(a: string, i: number, endOfA: number, b: string, j: number, endOfB: number): number {
  const startOfA = skipZeros(a, i, endOfA);
  const startOfB = skipZeros(b, j, endOfB);
  const longer = endOfA - startOfA - (endOfB - startOfB);
  if (longer !== 0) {
    return longer;
  }
  for (let k = 0; startOfA + k < endOfA; k += 1) {
    const order = a.charCodeAt(startOfA + k) - b.charCodeAt(startOfB + k);
    if (order !== 0) {
      return order;
    }
  }
  return 0;
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function skipZeros(text: string, start: number, end: number): number {
  let position = start;
  while (position < end && text.charCodeAt(position) === 48) {
    position += 1;
  }
  return position;
}

function endOfDigits(text: string, start: number): number {
  let position = start;
  while (isDigit(text, position)) {
    position += 1;
  }
  return position;
}

function isDigit(text: string, position: number): boolean {
  const code = text.charCodeAt(position);
  return code >= 48 && code <= 57;
}
