/** Keys by which somebody leaves a terminal without ending what runs there. Pure but for the matcher's own state. */
import { UsageError } from '#base/command-line.ts';

/** What is pressed where nobody says otherwise; docker's are the same. */
export const detachKeysDefault = 'ctrl-p,ctrl-q';

/** A sequence longer than this is nothing that somebody types. */
const keysMax = 8;

/** What Control makes of these, beside the letters (ECMA-48). */
const controlSigns: Readonly<Record<string, number>> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 };

/**
 * Reads a sequence such as "ctrl-p,ctrl-q" or "ctrl-],d": keys, each a character or ctrl- with a letter or one of @[\\]^_.
 *
 * @returns their bytes; none for "none".
 * @throws UsageError for what cannot be typed.
 */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === 'none') return new Uint8Array();
  const keys = text.split(',');
  if (keys.length > keysMax) throw new UsageError(`--detach-keys takes at most ${keysMax} keys`);
  return Uint8Array.from(keys.map((key) => parseKey(key, text)));
}

function parseKey(key: string, text: string): number {
  const control = /^ctrl-(.)$/i.exec(key)?.[1]?.toLowerCase();
  if (control !== undefined && /[a-z]/.test(control)) return control.charCodeAt(0) - 96;
  const sign = control === undefined ? undefined : controlSigns[control];
  if (sign !== undefined) return sign;
  if (/^[!-~]$/.test(key)) return key.charCodeAt(0);
  throw new UsageError(`--detach-keys takes keys such as ctrl-p,ctrl-q or none, not ${JSON.stringify(text)}`);
}

/** Looks for the sequence in what is typed. Keys that may begin it are held back until it is clear whether they do. */
export class DetachMatcher {
  readonly #keys: Uint8Array;
  #matched = 0;

  /** @param keys the sequence; empty: it never comes. */
  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** Takes what was typed. @returns what of it, and of what was held back, is no part of the sequence; and whether that came. */
  push(typed: Uint8Array): { readonly through: Uint8Array; readonly detach: boolean } {
    if (this.#keys.length === 0) return { through: typed, detach: false };
    const through: number[] = [];
    for (const byte of typed) {
      this.#take(byte, through);
      if (this.#matched === this.#keys.length) return { through: Uint8Array.from(through), detach: true };
    }
    return { through: Uint8Array.from(through), detach: false };
  }

  /** As many of the latest keys as begin the sequence stay held back; the others go through. */
  #take(byte: number, through: number[]): void {
    const held = [...this.#keys.subarray(0, this.#matched), byte];
    while (held.length > 0 && !held.every((key, i) => key === this.#keys[i])) {
      through.push(held.shift() ?? 0);
    }
    this.#matched = held.length;
  }
}
