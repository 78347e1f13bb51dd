/** The places of a command, with the file of hosts that its options may name. */
import type { CommandContext } from '#cli/command.ts';
import type { TargetValues } from '#cli/commands/plan-target.ts';
import { readHostFile } from '#cli/read-host-file.ts';
import { type Places, planPlaces } from './plan-places.ts';

/** @throws UsageError and ExpressionError for what cannot be meant. */
export async function readPlaces(
  context: Pick<CommandContext, 'abort' | 'selection'>,
  command: string,
  words: readonly string[],
  options: TargetValues,
): Promise<Places> {
  const { abort, selection } = context;
  const hosts = options.hostfile === undefined ? [] : await readHostFile(options.hostfile, abort);
  return planPlaces(command, words, { options, selection, hosts });
}
