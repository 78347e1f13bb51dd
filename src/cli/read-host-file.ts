/** Reads a file of node sets for --hostfile. */

import { createReadStream } from 'node:fs';
import type { NodeSetExpression } from '#core/node-set/node-set-expression.ts';
import { hostFileTextMax } from '#core/node-set/node-set-limits.ts';
import { parseHostFile } from '#core/node-set/parse-host-file.ts';
import { readText } from './read-text.ts';

/**
 * The sets of a file's lines.
 *
 * @param path `-` for standard input.
 * @throws UsageError where it cannot be read, ExpressionError for a malformed line or too long a file.
 */
export async function readHostFile(path: string, abort: AbortSignal): Promise<NodeSetExpression[]> {
  const place = path === '-' ? 'standard input' : path;
  const stream = path === '-' ? process.stdin : createReadStream(path);
  const failure = `--hostfile: cannot read ${place}`;
  return parseHostFile(await readText(stream, { failure, charactersMax: hostFileTextMax, abort }), place);
}
