/** `drover file cat`, `head` and `tail`: what is in a file of nodes. */
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import { parseSize } from '#base/parse-size.ts';
import type { CommandContext } from '#cli/command.ts';
import { showAnswers } from '#cli/files/ask-files.ts';
import { chooseStyle } from '#cli/files/choose-style.ts';
import { chooseFileTarget } from '#cli/files/file-target.ts';
import { readPlaces } from '#cli/files/read-places.ts';
import { parseCount } from '#cli/parse-count.ts';
import type { catFileSyntax, headFileSyntax, tailFileSyntax } from '#cli/syntax/file-syntax.ts';

/** Lines that head and tail show where nobody says, as head(1) and tail(1). */
const linesDefault = 10;

/** Which part of the file. */
interface Part {
  readonly headLines?: bigint;
  readonly tailLines?: bigint;
  readonly headBytes?: bigint;
  readonly tailBytes?: bigint;
  readonly follow?: boolean;
}

/** Prints all of it. */
export async function catFile(
  context: CommandContext,
  { options, words }: CommandLine<(typeof catFileSyntax)['options']>,
): Promise<number> {
  return await read(context, 'file cat', words, options, {});
}

/** Prints its beginning. */
export async function headFile(
  context: CommandContext,
  { options, words }: CommandLine<(typeof headFileSyntax)['options']>,
): Promise<number> {
  const { lines, bytes } = parsePart('file head', options);
  const part = bytes === undefined ? { headLines: lines } : { headBytes: bytes };
  return await read(context, 'file head', words, options, part);
}

/** Prints its end, and what comes. */
export async function tailFile(
  context: CommandContext,
  { options, words }: CommandLine<(typeof tailFileSyntax)['options']>,
): Promise<number> {
  const { lines, bytes } = parsePart('file tail', options);
  const part = bytes === undefined ? { tailLines: lines } : { tailBytes: bytes };
  return await read(context, 'file tail', words, options, { ...part, follow: options.follow ?? false });
}

function parsePart(
  command: string,
  options: { readonly lines?: string; readonly bytes?: string },
): { lines: bigint; bytes: bigint | undefined } {
  if (options.lines !== undefined && options.bytes !== undefined) {
    throw new UsageError(`drover ${command}: give -n or -c, not both`);
  }
  const lines = options.lines === undefined ? linesDefault : parseCount(options.lines, '-n');
  const bytes = options.bytes === undefined ? undefined : parseSize(options.bytes);
  if (options.bytes !== undefined && !bytes) {
    throw new UsageError(
      `-c takes a number of bytes such as 512 or 4k, not ${JSON.stringify(options.bytes)}`,
    );
  }
  return { lines: BigInt(lines), bytes };
}

async function read(
  context: CommandContext,
  command: string,
  words: readonly string[],
  options: OptionValues<(typeof catFileSyntax)['options']>,
  part: Part,
): Promise<number> {
  const { plan, paths } = await readPlaces(context, command, words, options);
  const [path = ''] = paths;
  if (path === '')
    throw new UsageError(`drover ${command}: which file? write NODES:PATH, such as web1:app.conf`);
  const { literal } = plan;
  const style = chooseStyle(command, options, {
    literal,
    folding: context.folding,
    bytesToPipe: !context.out.outIsTerminal,
  });
  if (style === 'folded' && part.follow) {
    throw new UsageError(
      `drover ${command}: -b shows what is equal at the end, and -f has none: give one of them`,
    );
  }
  const connection = await context.connect(options.data);
  const target = await chooseFileTarget(context, connection, plan, {}, undefined);
  const answers = connection.files.readFile({ target, read: { path, ...part } }, { signal: context.abort });
  const jsonl = options.output === 'jsonl';
  return await showAnswers(context, answers, { style, jsonl, lines: () => [], done: undefined });
}
