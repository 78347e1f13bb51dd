/**
 * Folds names into a short node set: the reverse of expand-node-set.ts, and how node names are printed everywhere.
 *
 * Names with the same text around their numbers share a template. Inside a template each name is a point with one
 * coordinate for each number; points that differ in the last coordinate only become one box, then boxes that differ
 * in the one before only, and so on to the first. Boxes never overlap and are never widened, so the result is exact;
 * it is not always the shortest there is, which would be a hard problem (covering by rectangles).
 */
import { compareNames } from './compare-names.ts';
import { foldNumbers } from './fold-numbers.ts';
import { joinName, splitName } from './split-name.ts';

/**
 * One coordinate for each number of the template: a number as written, or folded numbers once its dimension is folded.
 */
type Box = readonly string[];

interface Template {
  readonly texts: readonly string[];
  boxes: Box[];
}

/**
 * Folds names: `node[1-3,7],web1`, natural order, padding kept apart, no steps; the empty string for no names.
 * Depends on the set of names only: order and repetition do not matter, and folding again changes nothing.
 * For up to 100,000 names `expandNodeSet(parseNodeSet(folded))` gives them back, unless the folded text is over
 * parseNodeSet's 64 KiB.
 * @param names valid names (parse-term.ts). Others are not refused, as this must never keep anyone from printing,
 *   but the result then need not parse
 */
export function foldNodeNames(names: Iterable<string>): string {
  const parts = [...groupByTemplate(new Set(names)).values()].flatMap(foldTemplate);
  parts.sort((a, b) => compareNames(a.firstName, b.firstName));
  return parts.map((part) => part.folded).join(',');
}

function groupByTemplate(names: ReadonlySet<string>): Map<string, Template> {
  const templates = new Map<string, Template>();
  for (const name of names) {
    const { texts, numbers } = splitName(name);
    const key = texts.join('\0');
    const template = templates.get(key);
    if (template === undefined) {
      templates.set(key, { texts, boxes: [numbers] });
    } else {
      template.boxes.push(numbers);
    }
  }
  return templates;
}

function foldTemplate({ texts, boxes }: Template): { folded: string; firstName: string }[] {
  let folded = boxes;
  for (let dimension = texts.length - 2; dimension >= 0; dimension -= 1) {
    folded = foldDimension(folded, dimension);
  }
  return folded.map((box) => ({
    folded: joinName(texts, box.map(bracket)),
    firstName: joinName(texts, box.map(firstNumber)),
  }));
}

/** Makes one box of those that differ in this dimension only, where each has a single number so far. */
function foldDimension(boxes: Box[], dimension: number): Box[] {
  const first = boxes[0]?.[dimension];
  if (boxes.every((box) => box[dimension] === first)) {
    return boxes;
  }
  const groups = Map.groupBy(boxes, (box) => box.toSpliced(dimension, 1).join(';'));
  return [...groups.values()].map((group) => mergeBoxes(group, dimension));
}

function mergeBoxes(group: readonly Box[], dimension: number): Box {
  const [first = [], ...others] = group;
  if (others.length === 0) {
    return first;
  }
  return first.with(dimension, foldNumbers(group.map((box) => box[dimension] ?? '')));
}

function bracket(numbers: string): string {
  return /[-,]/.test(numbers) ? `[${numbers}]` : numbers;
}

function firstNumber(numbers: string): string {
  return /^[0-9]*/.exec(numbers)?.[0] ?? '';
}
