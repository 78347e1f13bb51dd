/**
 * Which of a node's certificates one is: the last four bytes of its serial number, behind sixteen random ones. So whoever reads a
 * certificate has its generation, signed, without an extension of our own. Decides nothing.
 */

const randomHexLength = 32;
const generationHexLength = 8;

/** As the end of a serial number, hex. @param generation from 1, below 2^32. */
export function encodeGeneration(generation: number): string {
  return generation.toString(16).padStart(generationHexLength, '0');
}

/** Of the certificate with this serial number (hex). 0 where it has none, as those that were given before there were generations. */
export function generationOf(serialNumber: string): number {
  if (serialNumber.length !== randomHexLength + generationHexLength) return 0;
  return Number.parseInt(serialNumber.slice(randomHexLength), 16);
}
