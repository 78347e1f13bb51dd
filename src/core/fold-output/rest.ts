/** What is known of the end of a text that was not kept: how much it is, and a fingerprint to compare it by. */

/** The lines that follow a text. */
export interface Rest {
  readonly lines: number;
  /** Without the lines' ends. */
  readonly characters: number;
  /** 64 bits: two different rests look alike once in 10^19. */
  readonly high: number;
  readonly low: number;
}

/** No lines. */
export const noRest: Rest = { lines: 0, characters: 0, high: 0xdead_beef, low: 0x41c6_ce57 };

/** The rest and one more line. Each half mixes the characters with a multiplier of its own. */
export function addToRest(rest: Rest, line: string): Rest {
  let { high, low } = rest;
  for (let i = 0; i <= line.length; i += 1) {
    const code = i < line.length ? line.charCodeAt(i) : 0x1_0000; // the line's end, which no character is
    high = Math.imul(high ^ code, 2_654_435_761);
    high ^= high >>> 15;
    low = Math.imul(low ^ code, 1_597_334_677);
    low ^= low >>> 13;
  }
  return { lines: rest.lines + 1, characters: rest.characters + line.length, high, low };
}

/** Equal for equal rests. */
export function restKey({ lines, characters, high, low }: Rest): string {
  return `${lines}.${characters}.${high}.${low}`;
}
