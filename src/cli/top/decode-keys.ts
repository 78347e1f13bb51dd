/** From the bytes of a keyboard to keys. Holds back what is not whole yet; knows nothing of what keys mean. */

/** A key with a name; every other is the character that it types. */
const named: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'ctrl-c',
  '\u000c': 'ctrl-l',
  '\u000e': 'down',
  '\u0010': 'up',
  '\u0015': 'ctrl-u',
};

/** What follows ESC [ or ESC O, parameters and final character. */
const sequences: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  H: 'home',
  F: 'end',
  '1~': 'home',
  '4~': 'end',
  '7~': 'home',
  '8~': 'end',
  '5~': 'page-up',
  '6~': 'page-down',
};

const esc = '\u001b';
/** What follows ESC: a control sequence (ECMA-48), or a key of the application mode. */
const sequencePattern = /^(?:\[([0-?]*[ -/]*[@-~])|O([A-Z]))/;
const unfinishedPattern = /^(?:\[[0-?]*[ -/]*|O)$/;

/** Decodes one keyboard. */
export class KeyDecoder {
  readonly #decoder = new TextDecoder();
  #held = '';

  /** The keys that these bytes complete: a character, or a name such as "enter", "up", "escape". Unknown ones are left out. */
  push(data: Uint8Array): string[] {
    let text = this.#held + this.#decoder.decode(data, { stream: true });
    this.#held = '';
    const keys: string[] = [];
    while (text !== '') {
      if (text.startsWith(esc) && unfinishedPattern.test(text.slice(esc.length))) {
        this.#held = text;
        break;
      }
      const { key, length } = firstKey(text);
      if (key !== undefined) keys.push(key);
      text = text.slice(length);
    }
    return keys;
  }
}

function firstKey(text: string): { key: string | undefined; length: number } {
  if (text.startsWith(esc)) {
    const sequence = sequencePattern.exec(text.slice(esc.length));
    if (!sequence) return { key: 'escape', length: esc.length };
    return { key: sequences[sequence[1] ?? sequence[2] ?? ''], length: esc.length + sequence[0].length };
  }
  const character = String.fromCodePoint(text.codePointAt(0) ?? 0);
  const { length } = character;
  const name = named[character];
  if (name !== undefined) return { key: name, length };
  return { key: /\p{Cc}/u.test(character) ? undefined : character, length };
}
