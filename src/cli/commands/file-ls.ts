/** `drover file ls` and `drover file stat`: what is there on nodes. */
import { type CommandLine, type OptionValues, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { showAnswers } from '#cli/files/ask-files.ts';
import { chooseStyle } from '#cli/files/choose-style.ts';
import { chooseFileTarget } from '#cli/files/file-target.ts';
import { readPlaces } from '#cli/files/read-places.ts';
import { showLong, showName, showWhole } from '#cli/files/show-entry.ts';
import type { foldOption, placeOptions, textOrLines } from '#cli/syntax/file-options.ts';
import type { listFilesSyntax, statFilesSyntax } from '#cli/syntax/file-syntax.ts';
import type { FileEntry } from '#protocol/gen/drover/v1/file_pb.ts';

/** Lists what is in directories. */
export async function listFiles(
  context: CommandContext,
  { options, words }: CommandLine<(typeof listFilesSyntax)['options']>,
): Promise<number> {
  const list = { contents: !options.directory, recursive: options.recursive ?? false };
  if (options.directory && options.recursive) {
    throw new UsageError(
      'drover file ls: -d shows no content of directories, -R all of it: give one of them',
    );
  }
  const lines = options.long
    ? (entry: FileEntry) => [showLong(entry)]
    : (entry: FileEntry) => [showName(entry)];
  return await ask(context, 'file ls', words, options, list, lines);
}

/** Shows everything that is known of files. */
export async function statFiles(
  context: CommandContext,
  { options, words }: CommandLine<(typeof statFilesSyntax)['options']>,
): Promise<number> {
  if (words.length === 0) {
    throw new UsageError('drover file stat: what? write NODES:PATH, such as web1:app.conf');
  }
  return await ask(context, 'file stat', words, options, { sha256: options.checksum ?? false }, showWhole);
}

async function ask(
  context: CommandContext,
  command: string,
  words: readonly string[],
  options: OptionValues<typeof placeOptions & typeof foldOption & typeof textOrLines>,
  list: { readonly contents?: boolean; readonly recursive?: boolean; readonly sha256?: boolean },
  lines: (entry: FileEntry) => readonly string[],
): Promise<number> {
  const { plan, paths } = await readPlaces(context, command, words, options);
  const { literal } = plan;
  const style = chooseStyle(command, options, { literal, folding: context.folding, bytesToPipe: false });
  const connection = await context.connect(options.data);
  const target = await chooseFileTarget(context, connection, plan, {}, undefined);
  const answers = connection.files.listFiles(
    { target, list: { paths: [...paths], ...list } },
    { signal: context.abort },
  );
  const jsonl = options.output === 'jsonl';
  return await showAnswers(context, answers, { style, jsonl, lines, done: undefined });
}
