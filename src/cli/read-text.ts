/** Reads a file of words, or standard input, that a command line names. What the words mean is not known here. */
import type { Readable } from 'node:stream';
import { addAbortSignal } from 'node:stream';
import { UsageError } from '#base/command-line.ts';
import { describeFileError } from '#base/files/file-error.ts';

/** How a text is read. */
export interface ReadTextOptions {
  /** What cannot be read where it cannot, such as "--hostfile: cannot read hosts". */
  readonly failure: string;
  /** Characters that it may have. */
  readonly charactersMax: number;
  readonly abort: AbortSignal;
}

/**
 * The text of a stream; of one that is too long no more than it takes to see that, which is for the caller to say.
 *
 * @throws UsageError where the system does not let it be read.
 */
export async function readText(stream: Readable, options: ReadTextOptions): Promise<string> {
  const { failure, charactersMax, abort } = options;
  try {
    let text = '';
    for await (const chunk of addAbortSignal(abort, stream).setEncoding('utf8')) {
      text += chunk;
      if (text.length > charactersMax) break;
    }
    return text;
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw cause;
    throw new UsageError(`${failure}: ${describeFileError(cause)}`, { cause });
  }
}
