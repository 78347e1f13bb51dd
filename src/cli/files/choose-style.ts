/** How text of nodes is shown, out of a command line. Pure. */
import { UsageError } from '#base/command-line.ts';
import type { TextStyle } from './node-text.ts';

/** What was asked for. */
export interface StyleOptions {
  readonly fold?: boolean | undefined;
  readonly raw?: boolean | undefined;
  readonly output?: string | undefined;
}

/** What else counts. */
export interface StyleFacts {
  /** One plain node name was given. */
  readonly literal: boolean;
  /** Equal output is folded where nobody says: `=` at the prompt. */
  readonly folding: boolean;
  /** What comes are bytes of files, and standard output is no terminal. */
  readonly bytesToPipe: boolean;
}

/** @throws UsageError for options that contradict each other. */
export function chooseStyle(command: string, options: StyleOptions, facts: StyleFacts): TextStyle {
  const { fold, raw, output } = options;
  if (fold && (raw || output === 'jsonl')) {
    throw new UsageError(`drover ${command}: --fold contradicts ${raw ? '--raw' : '-o jsonl'}`);
  }
  if (raw || (facts.bytesToPipe && facts.literal && !fold)) return 'raw';
  if (fold) return 'folded';
  if (facts.literal) return 'plain';
  return facts.folding ? 'folded' : 'named';
}
