/** What a group printed otherwise than another one, as a block of a unified diff. */
import { type DiffHunk, diffLines } from '#core/fold-output/diff-lines.ts';
import { isWhole, type OutputGroup } from '#core/fold-output/output-group.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { paint, type Tone } from './colors.ts';
import {
  type FindRest,
  type GroupStyle,
  renderGroup,
  renderHead,
  renderStandardError,
} from './render-groups.ts';

/**
 * The block of `group` with only what differs from `reference`, usually the largest group. The whole block where too much
 * differs, or either was not kept whole. How the two ended, their heads tell.
 */
export function renderGroupDiff(
  group: OutputGroup,
  reference: OutputGroup,
  style: GroupStyle,
  findRest?: FindRest,
): Iterable<string> {
  if (!isWhole(group) || !isWhole(reference)) return renderGroup(group, style, findRest);
  const stdout = diffLines(reference.stdout.lines, group.stdout.lines);
  const stderr = diffLines(reference.stderr.lines, group.stderr.lines);
  if (!stdout || !stderr) return renderGroup(group, style);
  const nodes = foldNodeNames(reference.tasks.map(({ node }) => node));
  const isEqual = stdout.length + stderr.length === 0;
  return [
    renderHead(group, style, [isEqual ? `output as on ${nodes}` : `against ${nodes}`]),
    ...renderHunks(stdout, style),
    ...(stderr.length === 0 ? [] : [renderStandardError(style), ...renderHunks(stderr, style)]),
  ];
}

const tones: Readonly<Record<string, Tone>> = { '+': 'success', '-': 'error' };

function renderHunks(hunks: readonly DiffHunk[], { colors }: GroupStyle): string[] {
  return hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    paint('quiet', `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, colors),
    ...lines.map((line) => {
      const tone = tones[line.charAt(0)];
      return tone === undefined ? line : paint(tone, line, colors);
    }),
  ]);
}
