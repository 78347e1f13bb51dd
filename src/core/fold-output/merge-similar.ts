/**
 * Merges groups whose outputs are equal up to the names of their nodes and numbers. What differs among them is shown as
 * `<node>` or `<number>`; a number that is the same in all of them stays.
 */
import { createLineSplitter, joinSlots, lineKey, type SlottedLine } from './line-slots.ts';
import {
  compareGroups,
  compareTasks,
  type FoldedTask,
  type GroupText,
  isWhole,
  type OutputGroup,
} from './output-group.ts';

interface SlottedGroup {
  readonly group: OutputGroup;
  readonly stdout: readonly SlottedLine[];
  readonly stderr: readonly SlottedLine[];
}

/**
 * Groups of similar groups, in the order of `compareGroups`. Those that ended differently stay apart, and so does one of whose
 * lines not all were kept.
 */
export function mergeSimilar(groups: readonly OutputGroup[]): OutputGroup[] {
  const whole = groups.filter(isWhole);
  const similar = Map.groupBy(whole.map(slotGroup), keyOf);
  const others = groups.filter((group) => !isWhole(group));
  return [...[...similar.values()].map(merge), ...others].sort(compareGroups);
}

function slotGroup(group: OutputGroup): SlottedGroup {
  const split = createLineSplitter(onlyNode(group.tasks));
  return { group, stdout: group.stdout.lines.map(split), stderr: group.stderr.lines.map(split) };
}

/** Undefined for several nodes that printed the same: a name in that is none of what differs. */
function onlyNode([first, ...others]: readonly FoldedTask[]): string | undefined {
  return others.every(({ node }) => node === first?.node) ? first?.node : undefined;
}

function keyOf({ group, stdout, stderr }: SlottedGroup): string {
  const texts = [stdout, stderr].map((lines) => lines.map(lineKey).join('\n'));
  return [group.succeeded, group.ending, stdout.length, ...texts].join('\n');
}

function merge(similar: readonly SlottedGroup[]): OutputGroup {
  const [first] = similar;
  if (first === undefined) throw new TypeError('there is nothing to merge');
  if (similar.length === 1) return first.group;
  return {
    ...first.group,
    tasks: similar.flatMap(({ group }) => group.tasks).sort(compareTasks),
    stdout: mergeTexts(similar.map(({ stdout }) => stdout)),
    stderr: mergeTexts(similar.map(({ stderr }) => stderr)),
  };
}

function mergeTexts(texts: readonly (readonly SlottedLine[])[]): GroupText {
  const [first = []] = texts;
  const lines = first.map((line, number) =>
    joinSlots(line, (slot) => mergeSlot(texts.map((other) => other[number]?.slots[slot]))),
  );
  return { lines, moreLines: 0, moreCharacters: 0 };
}

function mergeSlot(slots: readonly (SlottedLine['slots'][number] | undefined)[]): string {
  const [first] = slots;
  const { kind = 'number', text = '' } = first ?? {};
  return slots.every((slot) => slot?.text === text) ? text : `<${kind}>`;
}
