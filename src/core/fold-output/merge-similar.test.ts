import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OutputCollector } from './collect-output.ts';
import { mergeSimilar } from './merge-similar.ts';
import type { FoldedTask, OutputGroup } from './output-group.ts';

function merged(
  printed: Readonly<Record<string, string>>,
  endings: Readonly<Record<string, string>> = {},
): string[] {
  const collector = new OutputCollector();
  const tasks = Object.entries(printed).map(([node, text]): FoldedTask => {
    for (const line of text.split('|')) collector.add(node, 'stdout', line);
    const ending = endings[node] ?? 'exit 0';
    return { id: node, node, ending, succeeded: ending === 'exit 0' };
  });
  return mergeSimilar(collector.group(tasks)).map(show);
}

function show({ tasks, stdout }: OutputGroup): string {
  return `${tasks.map(({ node }) => node)}: ${stdout.lines.join('|')}`;
}

const cases: [what: string, printed: Record<string, string>, groups: string[]][] = [
  ['numbers', { a: 'load 0.15', b: 'load 0.20' }, ['a,b: load <number>']],
  ['a number that all have', { a: 'cpu 4 load 1', b: 'cpu 4 load 2' }, ['a,b: cpu 4 load <number>']],
  ['own names', { alpha: 'I am alpha', beta: 'I am beta' }, ['alpha,beta: I am <node>']],
  ['own names with numbers', { web1: 'I am web1.x', web2: 'I am web2.x' }, ['web1,web2: I am <node>.x']],
  ['a name in a longer word', { db: 'dbx', web: 'webx' }, ['db: dbx', 'web: webx']],
  ['names with characters that patterns know', { 'a.b': 'a.b', axb: 'axb' }, ['a.b,axb: <node>']],
  ['times, dates and addresses', { a: '10:04:59 10.0.0.1', b: '9:00 10.0.0.2' }, ['a,b: <number> <number>']],
  ['columns that numbers moved', { a: 'x    9 y', b: 'x 1000 y' }, ['a,b: x    <number> y']],
  ['equal outputs', { a: 'x 1', b: 'x 1' }, ['a,b: x 1']],
  ['some equal, some similar', { a: 'x 1', b: 'x 1', c: 'x 2' }, ['a,b,c: x <number>']],
  ['words', { a: 'up 1 day', b: 'up 2 days' }, ['a: up 1 day', 'b: up 2 days']],
  ['another number of lines', { a: '1|2', b: '1' }, ['a: 1|2', 'b: 1']],
  [
    'what other groups differ in',
    { a: 'x 3|ok', b: 'x 3|ok', c: 'x 95|FAIL' },
    ['a,b: x 3|ok', 'c: x 95|FAIL'],
  ],
];

for (const [what, printed, groups] of cases) {
  test(`mergeSimilar() of ${what}`, () => assert.deepEqual(merged(printed), groups));
}

test('mergeSimilar() keeps endings apart', () => {
  assert.deepEqual(merged({ a: 'x 1', b: 'x 2' }, { b: 'exit 1' }), ['a: x 1', 'b: x 2']);
});

test('mergeSimilar() keeps apart what was not kept whole', () => {
  const collector = new OutputCollector({ linesMax: 1, charactersMax: 9 });
  for (const [id, line] of [
    ['a', '2'],
    ['b', '3'],
  ] as const) {
    collector.add(id, 'stdout', 'x');
    collector.add(id, 'stdout', line);
  }
  const tasks = ['a', 'b'].map((id) => ({ id, node: id, ending: 'exit 0', succeeded: true }));
  assert.deepEqual(mergeSimilar(collector.group(tasks)).map(show), ['a: x', 'b: x']);
});

test('mergeSimilar() makes one group of whatever differs in numbers only, and shows just those', () => {
  const piece = fc.oneof(fc.constantFrom('load ', ' up', '%', ' a-b ', ''), fc.constant(undefined));
  const template = fc.array(piece, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(template, fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }), (pieces, values) => {
      // A slot stands alone: two numbers beside each other are one.
      const parts = pieces.filter((part, i) => part || pieces[i - 1]);
      const print = (shift: number) =>
        parts.map((part, i) => part ?? String((values[i] ?? 0) * shift + 10)).join('');
      const [a, b] = [print(0), print(1)];
      const shown = parts.map((part, i) => part ?? (values[i] === 0 ? '10' : '<number>')).join('');
      assert.deepEqual(merged({ a, b }), [`a,b: ${shown}`]);
    }),
    { numRuns: 1_000 },
  );
});
