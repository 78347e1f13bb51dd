/**
 * A hundred thousand names: expanded, folded and resolved among as many nodes, in four shapes of names. The limit that each is
 * set against is what any program must do: write the names by plain loops, sort them, look each up once. Medians.
 * With --quick a thousand names once, to see that it works.
 */
import assert from 'node:assert/strict';
import { compareNames } from '#core/node-set/compare-names.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { resolveTarget } from '#core/node-set/resolve-target.ts';
import { parseSelector } from '#core/selector/parse-selector.ts';

const quick = process.argv.includes('--quick');
const count = quick ? 1_000 : 100_000;
const rounds = quick ? 1 : 5;

/** A shape of names: how a set writes them, and what a plain loop writes. */
const shapes: readonly { name: string; set: string; write: (i: number) => string }[] = [
  { name: 'one range', set: `node[0-${count - 1}]`, write: (i) => `node${i}` },
  {
    name: 'padded',
    set: `node[000000-${String(count - 1).padStart(6, '0')}].example`,
    write: (i) => `node${String(i).padStart(6, '0')}.example`,
  },
  {
    name: 'three dimensions',
    set: `dc[0-9]r[0-9]n[0-${count / 100 - 1}]`,
    write: (i) =>
      `dc${Math.floor(i / (count / 10))}r${Math.floor(i / (count / 100)) % 10}n${i % (count / 100)}`,
  },
  { name: 'steps of two', set: `node[0-${2 * count - 2}/2]`, write: (i) => `node${2 * i}` },
];

console.log(`node-set: ${count} names, median of ${rounds} rounds in ms (ratio to the limit)\n`);
for (const { name, set, write } of shapes) {
  const names = Array.from({ length: count }, (_, i) => write(i));
  const shuffled = names.map((one, i) => names[(i * 7_919) % count] ?? one);
  const nodes = shuffled.map((one, i) => ({ name: one, labels: { zone: i % 2 === 0 ? 'a' : 'b' } }));
  const known = new Set(names);
  const written = measure(() => Array.from({ length: count }, (_, i) => write(i)));
  const sorted = measure(() => shuffled.toSorted(compareNames));
  const looked = measure(() => shuffled.filter((one) => known.has(one)));
  const expanded = measure(() => resolveTarget({ sets: [parseNodeSet(set)] }, []));
  const folded = measure(() => foldNodeNames(shuffled));
  const resolved = measure(() => resolveTarget({ sets: [parseNodeSet(set)] }, nodes));
  const globbed = measure(() => resolveTarget({ sets: [parseNodeSet('*1*,*[2-5]')] }, nodes));
  const selected = measure(() =>
    resolveTarget({ sets: [], selector: parseSelector('zone in (a,c),!x') }, nodes),
  );
  assert.deepEqual(resolveTarget({ sets: [parseNodeSet(set)] }, nodes).names, names);
  console.log(`${name}: ${set}`);
  print('expand', expanded, written + sorted, 'loop and sort');
  print('fold', folded, sorted, 'sort');
  print('resolve', resolved, written + sorted + looked, 'loop, sort and look up');
  print('glob', globbed, looked + sorted, 'look up and sort');
  print('selector', selected, looked + sorted, 'look up and sort');
}

function measure(work: () => unknown): number {
  const times = Array.from({ length: rounds + 1 }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  const [, ...rest] = times; // the first warms up
  return rest.sort((a, b) => a - b)[Math.floor(rest.length / 2)] ?? 0;
}

function print(what: string, ms: number, limitMs: number, limit: string): void {
  const ratio = (ms / limitMs).toFixed(1);
  console.log(`  ${what.padEnd(9)} ${ms.toFixed(1).padStart(7)}  ${ratio.padStart(5)} × ${limit}`);
}
