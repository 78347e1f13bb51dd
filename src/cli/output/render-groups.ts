/** Folded output as lines of text: a block for each group, the largest first. Colours by meaning, and only where asked for. */
import type { OutputStream } from '#core/fold-output/collect-output.ts';
import type { GroupText, OutputGroup } from '#core/fold-output/output-group.ts';
import { formatSize } from '#core/format-size.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { paint, type Tone } from './colors.ts';

/** How to render. */
export interface GroupStyle {
  /** Columns of the terminal, which heads of blocks fill; undefined: they end with their text. Output is never cut. */
  readonly width: number | undefined;
  readonly colors: boolean;
}

/** Finds the lines of an output of a task that its group does not hold; undefined where they are nowhere. */
export type FindRest = (taskId: string, stream: OutputStream, lines: number) => Iterable<string> | undefined;

/** The heads of two parts of one block. */
const rule = '──';

/** The block of a group: its nodes, how many tasks and how they ended, then what each of them printed. */
export function* renderGroup(
  group: OutputGroup,
  style: GroupStyle,
  findRest: FindRest = () => undefined,
): Generator<string> {
  const { stdout, stderr } = group;
  const isEmpty = isEmptyText(stdout) && isEmptyText(stderr);
  yield renderHead(group, style, isEmpty ? ['no output'] : []);
  yield* stdout.lines;
  yield* renderRest(group, 'stdout', findRest);
  if (!isEmptyText(stderr)) yield renderStandardError(style);
  for (const line of stderr.lines) yield paint('warning', line, style.colors);
  for (const line of renderRest(group, 'stderr', findRest)) yield paint('warning', line, style.colors);
}

/** The line above a block. A set that is wider than the terminal is written whole: it is what people copy. */
export function renderHead(
  { tasks, ending, succeeded }: OutputGroup,
  { width, colors }: GroupStyle,
  notes: readonly string[] = [],
): string {
  const set = foldNodeNames(tasks.map(({ node }) => node));
  const text = `${rule} ${[`${set} (${tasks.length})`, ending, ...notes].join(' · ')}`;
  const tone: Tone = succeeded ? 'strong' : 'error';
  return paint(tone, width === undefined ? text : fill(text, width), colors);
}

/** The line above what came from standard error. */
export function renderStandardError({ colors }: GroupStyle): string {
  return paint('quiet', `${rule} standard error`, colors);
}

/** The lines that the group does not hold, or what is said in their place; nothing where it holds all. */
function renderRest(group: OutputGroup, stream: OutputStream, findRest: FindRest): Iterable<string> {
  const { moreLines, moreCharacters } = group[stream];
  if (moreLines === 0) return [];
  const id = group.tasks[0]?.id ?? '';
  const lines = moreLines === 1 ? '1 more line' : `${moreLines} more lines`;
  const size = formatSize(moreCharacters + moreLines);
  return findRest(id, stream, moreLines) ?? [`… ${lines}, ${size}, not kept here: drover logs ${id}`];
}

function isEmptyText({ lines, moreLines }: GroupText): boolean {
  return lines.length + moreLines === 0;
}

function fill(text: string, width: number): string {
  const room = width - [...text].length - 1;
  return room > 0 ? `${text} ${'─'.repeat(room)}` : text;
}
