/** Numbers of bytes on the command line. */

const units: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 1n << 10n,
  m: 1n << 20n,
  g: 1n << 30n,
  t: 1n << 40n,
};

/**
 * Bytes of "4096", "64k", "512m", "2g" or "1t", powers of 1,024, below 2^63; undefined for anything else. No fractions: what a
 * kernel is given should be what was typed.
 */
export function parseSize(text: string): bigint | undefined {
  const [, digits, unit = ''] = /^(\d{1,19})([kmgt]?)$/i.exec(text) ?? [];
  const bytes = BigInt(digits ?? -1) * (units[unit.toLowerCase()] ?? 1n);
  return bytes >= 0n && bytes < 2n ** 63n ? bytes : undefined;
}
