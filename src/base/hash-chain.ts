/**
 * Rows that are chained: each carries a SHA-256 over what it says and the hash of the row before, so that none can be changed, added
 * or taken out without changing every hash behind it. A cut tail leaves a chain that is whole: checkpoints are for that.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from './canonical-json.ts';

/** What the first row has in place of the hash of the one before. */
export const chainStart = '0'.repeat(64);

/** What a row says; "sequence" and "previous" are the chain's own. */
export type ChainContent = { readonly [key: string]: Json };

/** A row of a chain. */
export interface ChainedRow {
  /** From 1, without a gap. */
  readonly sequence: number;
  /** Hex. */
  readonly hash: string;
  /** Everything else that it says. */
  readonly content: ChainContent;
}

/** The hash of a row, hex. */
export function chainHash(
  previous: string,
  { sequence, content }: Pick<ChainedRow, 'sequence' | 'content'>,
): string {
  return createHash('sha256')
    .update(canonicalJson({ ...content, sequence, previous }))
    .digest('hex');
}

/** Follows a chain from its first row on. */
export class ChainCheck {
  #sequence = 0;
  #hash = chainStart;

  /** The last row that was found good; 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Its hash. */
  get hash(): string {
    return this.#hash;
  }

  /** What is wrong with the next row, for a person; undefined where nothing is. Nothing can be said of rows behind a bad one. */
  add(row: ChainedRow): string | undefined {
    const expected = this.#sequence + 1;
    if (row.sequence > expected) return describeGap(expected, row.sequence - 1);
    if (row.sequence < expected) return `row ${row.sequence} comes after row ${this.#sequence}`;
    if (row.hash !== chainHash(this.#hash, row)) {
      return `row ${row.sequence} is not what was recorded: it or the row before was changed`;
    }
    this.#sequence = row.sequence;
    this.#hash = row.hash;
    return undefined;
  }
}

function describeGap(first: number, last: number): string {
  return first === last ? `row ${first} is missing` : `rows ${first} to ${last} are missing`;
}
