/**
 * The placeholders of the command table, such as SET in "-w SET". They are written for people; that a value is a node set is
 * known by its placeholder too, so that help and behaviour cannot differ.
 */
import type { CommandSyntax } from '#base/command-line.ts';

/**
 * The placeholders of a command's words, in their order, out of its usage: "NODE [--] ARGV…" gives NODE and ARGV. The last
 * stands for all further words too. Those of options in the usage ("-w SET") are not among them.
 */
export function wordPlaceholders({ usage }: Pick<CommandSyntax, 'usage'>): string[] {
  const words = usage.replace(/--?[a-z][a-z-]* [A-Z=]+/g, '');
  return words.match(/\b[A-Z]{2,}\b/g) ?? [];
}
