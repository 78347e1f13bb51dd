/**
 * The limits of a node set's text: what keeps a set written by anyone cheap to read and to evaluate.
 * All of them are checked while parsing, so a parsed set can always be expanded, resolved and matched.
 */

/** Longest text, in characters (the grammar is ASCII, so also bytes): about 6,000 names of ten letters written out. */
export const nodeSetTextMax = 65_536;

/**
 * Most names that one text may write out, over all its operands, counted before equal ones are merged and
 * before `!` and `&` take any away: it bounds the work, not the result. Writing out that many takes about 0.1 s.
 */
export const nodeSetNamesMax = 100_000;

/**
 * Most pieces of the operands that look at every node: a label or `@all` is one piece, a glob has one for each
 * `*`, `?`, bracket and text between them (`web*` has two). 256 over 10,000 nodes take about a second at the very worst.
 */
export const nodeSetScansMax = 256;

/**
 * Longest name, in characters: a DNS name (RFC 1035). A node's own name has at most 63; the grammar is wider
 * because `drover nodeset` is also used on hosts that are not nodes.
 */
export const nodeNameLengthMax = 253;

/** Most digits of a number inside brackets: every such number is exact in a double. */
export const numberDigitsMax = 15;

/** Longest file of names, in characters: 100,000 names of eighty. */
export const hostFileTextMax = 8_388_608;
