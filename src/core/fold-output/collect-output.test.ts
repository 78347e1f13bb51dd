import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OutputCollector, type OutputStream } from './collect-output.ts';
import type { FoldedTask, OutputGroup } from './output-group.ts';

/** Nodes, what each printed, and how it ended where that was not success. */
type Printed = readonly (readonly [node: string, stdout: string, ending?: string, stderr?: string])[];

function collect(printed: Printed, limits?: ConstructorParameters<typeof OutputCollector>[0]): OutputGroup[] {
  const collector = new OutputCollector(limits);
  const add = (node: string, stream: OutputStream, text: string) => {
    if (text !== '') for (const line of text.split('|')) collector.add(`id-${node}`, stream, line);
  };
  for (const [node, stdout, , stderr = ''] of printed) {
    add(node, 'stdout', stdout);
    add(node, 'stderr', stderr);
  }
  return collector.group(printed.map(([node, , ending]) => taskOf(node, ending)));
}

function taskOf(node: string, ending = 'exit 0'): FoldedTask {
  return { id: `id-${node}`, node, ending, succeeded: ending === 'exit 0' };
}

/** A group in one line: `a,b exit 0: one|two / error`. */
function show({ tasks, ending, stdout, stderr }: OutputGroup): string {
  const texts = [stdout, stderr].map(({ lines, moreLines }) => lines.join('|') + '+'.repeat(moreLines));
  return `${tasks.map(({ node }) => node)} ${ending}: ${texts.join(' / ')}`;
}

const cases: [what: string, printed: Printed, groups: string[]][] = [
  ['nobody', [], []],
  ['one', [['a', 'x']], ['a exit 0: x / ']],
  [
    'equal outputs',
    [
      ['n10', 'x|y'],
      ['n9', 'x|y'],
    ],
    ['n9,n10 exit 0: x|y / '],
  ],
  [
    'nothing printed',
    [
      ['a', ''],
      ['b', ''],
    ],
    ['a,b exit 0:  / '],
  ],
  [
    'one empty line, and nothing',
    [
      ['a', ''],
      ['b', '|'],
    ],
    ['a exit 0:  / ', 'b exit 0: | / '],
  ],
  [
    'a beginning of another',
    [
      ['a', 'x|y'],
      ['b', 'x'],
    ],
    ['a exit 0: x|y / ', 'b exit 0: x / '],
  ],
  [
    'equal outputs, other endings',
    [
      ['a', 'x', 'exit 1'],
      ['b', 'x'],
    ],
    ['b exit 0: x / ', 'a exit 1: x / '],
  ],
  [
    'another standard error',
    [
      ['a', 'x', 'exit 0', 'e'],
      ['b', 'x'],
    ],
    ['a exit 0: x / e', 'b exit 0: x / '],
  ],
  [
    'outputs the wrong way round',
    [
      ['a', '', 'exit 0', 'x'],
      ['b', 'x'],
    ],
    ['a exit 0:  / x', 'b exit 0: x / '],
  ],
  [
    'outliers last',
    [
      ['a', 'odd', 'exit 1'],
      ['b', 'same'],
      ['c', 'same'],
      ['d', 'odd too'],
    ],
    ['b,c exit 0: same / ', 'd exit 0: odd too / ', 'a exit 1: odd / '],
  ],
];

for (const [what, printed, groups] of cases) {
  test(`OutputCollector groups ${what}`, () => assert.deepEqual(collect(printed).map(show), groups));
}

test('OutputCollector takes lines of many tasks in any order among them', () => {
  const collector = new OutputCollector();
  for (const line of ['1', '2', '3'])
    for (const node of ['a', 'b']) collector.add(`id-${node}`, 'stdout', line);
  assert.deepEqual(collector.group([taskOf('b'), taskOf('a')]).map(show), ['a,b exit 0: 1|2|3 / ']);
});

test('OutputCollector keeps less where it is full, and still tells equal from different', () => {
  const limits = { linesMax: 4, charactersMax: 100 };
  const printed: Printed = [
    ['a', 'x|y|1|2'],
    ['b', 'x|y|1|2'],
    ['c', 'x|y|3|4|5'],
    ['d', 'x|y|3|4|6'],
    ['e', 'x|y|3|4|5'],
  ];
  assert.deepEqual(collect(printed, limits).map(show), [
    'a,b exit 0: x|y|1|2 / ',
    'c,e exit 0: x|y+++ / ',
    'd exit 0: x|y+++ / ',
  ]);
});

test('OutputCollector groups as comparing whole outputs does, whatever is printed and however little is kept', () => {
  const text = fc.array(fc.constantFrom('', 'a', 'b', 'c', 'dd'), { maxLength: 5 });
  const task = fc.record({ stdout: text, stderr: text, code: fc.nat(1) });
  const limits = fc.record({ linesMax: fc.integer({ min: 1, max: 8 }), charactersMax: fc.nat(5) });
  fc.assert(
    fc.property(
      fc.array(task, { maxLength: 12 }),
      fc.option(limits, { nil: undefined }),
      (all, treeLimits) => {
        const collector = new OutputCollector(treeLimits);
        for (const [i, { stdout, stderr }] of all.entries()) {
          for (const line of stderr) collector.add(`id-n${i}`, 'stderr', line);
          for (const line of stdout) collector.add(`id-n${i}`, 'stdout', line);
        }
        const groups = collector.group(all.map(({ code }, i) => taskOf(`n${i}`, `exit ${code}`)));
        const wanted = Map.groupBy(all.keys(), (i) => JSON.stringify(all[i]));
        const nodes = [...wanted.values()].map((indices) => [...indices].map((i) => `n${i}`).join());
        assert.deepEqual(groups.map(({ tasks }) => tasks.map((one) => one.node).join()).sort(), nodes.sort());
        for (const [before, group] of groups.entries()) {
          assert.ok(group.tasks.length >= (groups[before + 1]?.tasks.length ?? 0), 'the largest first');
          const { stdout } = all[Number(group.tasks[0]?.node.slice(1))] ?? { stdout: [] };
          assert.deepEqual(group.stdout.lines, stdout.slice(0, group.stdout.lines.length));
          assert.equal(group.stdout.lines.length + group.stdout.moreLines, stdout.length);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
