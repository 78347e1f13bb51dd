/** What following came to. */
import type { Used } from '#bench/measure/parts.ts';

/** What is followed. */
export interface Writing {
  /** Path of line-writer. */
  readonly writer: string;
  readonly bytes: number;
}

/** What one following came to. */
export interface Measured {
  readonly bytes: number;
  readonly seconds: number;
  /** By what each part is called. */
  readonly parts: Readonly<Record<string, Used>>;
}
