/** What can happen to the bytes of a file: a power loss cuts it or leaves zeros, a disk changes bytes, a hand writes over it. */

import { readFileSync, writeFileSync } from 'node:fs';

/** A way to damage a file. */
export interface Damage {
  readonly name: string;
  apply(bytes: Buffer): Buffer;
}

/** Nothing is left of it but its name. */
export const emptied: Damage = { name: 'empty', apply: () => Buffer.alloc(0) };

/** Something else is in it. */
export const overwritten: Damage = {
  name: 'overwritten',
  apply: () => Buffer.from('\x00\xff{]no: file\n'.repeat(40), 'latin1'),
};

/** Something stands behind its end. */
export const extended: Damage = {
  name: 'extended',
  apply: (bytes) => Buffer.concat([bytes, Buffer.from('\x01\x02\x03\x04 torn', 'latin1')]),
};

/** It ends at `part` of its length, 0 to 1. */
export function cutAt(part: number): Damage {
  return { name: `cut at ${part}`, apply: (bytes) => bytes.subarray(0, Math.floor(bytes.length * part)) };
}

/** It has zeros from `part` of its length on. */
export function zeroFrom(part: number): Damage {
  const apply = (bytes: Buffer) => Buffer.from(bytes).fill(0, Math.floor(bytes.length * part));
  return { name: `zeros from ${part}`, apply };
}

/** The byte at `part` of its length is another one. */
export function changedAt(part: number): Damage {
  const apply = (bytes: Buffer) => {
    const changed = Buffer.from(bytes);
    const at = Math.min(bytes.length - 1, Math.floor(bytes.length * part));
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    return changed;
  };
  return { name: `changed at ${part}`, apply };
}

/** All of these, the positional ones at `count` places. */
export function damagesAt(count: number): Damage[] {
  const parts = Array.from({ length: count }, (_, i) => Number((i / count).toFixed(3)));
  return [
    emptied,
    overwritten,
    extended,
    ...parts.flatMap((part) => [cutAt(part), changedAt(part), zeroFrom(part)]),
  ];
}

/** Damages the file in place, as a disk does: who has it open has the damage too. */
export function applyTo(path: string, damage: Damage): void {
  writeFileSync(path, damage.apply(readFileSync(path)));
}
