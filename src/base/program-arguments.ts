/**
 * Arguments of our programs on their way through Node.js, which reads some of them itself wherever they stand: those of
 * its options that name files of settings ("--env-file", "--experimental-config-file" …), even behind "--". So a long option
 * travels with a mark in front that Node.js knows nothing about. bin/drover puts it there.
 */

const mark = ':';

/**
 * The arguments that this program was given, as they were before they were marked.
 *
 * @param argv as process.argv: the first two are Node.js and the script.
 */
export function programArguments(argv: readonly string[] = process.argv): string[] {
  return argv.slice(2).map((arg) => (arg.startsWith(mark) ? arg.slice(mark.length) : arg));
}
