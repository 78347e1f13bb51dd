/** Reads a file of node sets for --hostfile. */

import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { UsageError } from '#base/command-line.ts';
import { describeFileError } from '#base/files/file-error.ts';
import type { NodeSetExpression } from '#core/node-set/node-set-expression.ts';
import { hostFileTextMax } from '#core/node-set/node-set-limits.ts';
import { parseHostFile } from '#core/node-set/parse-host-file.ts';

/**
 * The sets of a file's lines.
 *
 * @param path `-` for standard input.
 * @throws UsageError where it cannot be read, ExpressionError for a malformed line or too long a file.
 */
export async function readHostFile(path: string, abort: AbortSignal): Promise<NodeSetExpression[]> {
  const place = path === '-' ? 'standard input' : path;
  const stream = path === '-' ? process.stdin : createReadStream(path);
  try {
    return parseHostFile(await readBounded(addAbortSignal(abort, stream)), place);
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw cause;
    throw new UsageError(`--hostfile: cannot read ${place}: ${describeFileError(cause)}`, { cause });
  }
}

/** The text of a stream; of one that is too long no more than it takes to see that. */
async function readBounded(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    text += chunk;
    if (text.length > hostFileTextMax) break;
  }
  return text;
}
