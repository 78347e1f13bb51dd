/** The whole screen of a terminal, for as long as it is held; then what was there before comes back. Draws frames, and knows nothing of what is on them. */
import { paint } from '#cli/output/colors.ts';
import type { Output, ScreenSize } from '#cli/output/output.ts';
import type { ScreenLine } from './render-top.ts';

const csi = '\u001b[';
/** Another screen (xterm's 1049), no cursor, and what is too long is cut instead of wrapped. */
const enter = `${csi}?1049h${csi}?25l${csi}?7l`;
const leave = `${csi}?7h${csi}?25h${csi}?1049l`;
const home = `${csi}H`;
/** Comes before the text: after one of full width it would take its last character. */
const clearLine = `${csi}2K`;

/** Holds the screen from its making until it is disposed of; twice is once. */
export class Screen implements Disposable {
  readonly #out: Output;
  #held = true;

  constructor(out: Output) {
    this.#out = out;
    out.out(enter);
  }

  /** The size now. */
  get size(): ScreenSize {
    return this.#out.size ?? { rows: 1, columns: 1 };
  }

  /** Shows a frame of as many lines as the screen has. */
  draw(lines: readonly ScreenLine[]): void {
    if (!this.#held) return;
    this.#out.out(home + lines.map((line) => clearLine + this.#paint(line)).join('\r\n'));
  }

  [Symbol.dispose](): void {
    if (!this.#held) return;
    this.#held = false;
    this.#out.out(leave);
  }

  #paint({ text, tone }: ScreenLine): string {
    switch (tone) {
      case 'plain':
        return text;
      case 'heading':
      case 'selected':
        return paint('inverse', text, this.#out.outColors);
      default:
        return paint(tone, text, this.#out.outColors);
    }
  }
}
