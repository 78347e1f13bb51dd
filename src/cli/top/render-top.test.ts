import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, type SampledTask } from '#cli/testing/top-rows.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { pressKey } from './press-key.ts';
import { renderTop } from './render-top.ts';
import { firstState, type TopState, takeAnswer, takeFailure } from './top-state.ts';

const tasks = (userUs: bigint): SampledTask[] => [
  {
    id: 'aaaaaaaaaa',
    node: 'node1',
    argv: ['backup', '--full'],
    uses: { userUs, rssBytes: 3n << 20n, processes: 4, outputBytes: 2_048n },
  },
  { id: 'bbbbbbbbbb', node: 'node10', argv: ['sleep', '9'], uses: { rssBytes: 1n << 20n, processes: 1 } },
  { id: 'cccccccccc', node: 'node2', argv: ['\u001b[31mflaky'], state: TaskState.WAITING },
];
const state = takeAnswer(
  firstState(answerOf(1_000, tasks(0n)), 0, 'cpu'),
  answerOf(3_000, tasks(3_000_000n)),
  2_000,
);

const press = (from: TopState, ...keys: string[]) =>
  keys.reduce((before, key) => pressKey(before, key, 5).state, from);
const draw = (from: TopState, columns = 80, rows = 9, nowMs = 2_000) =>
  renderTop(from, { rows, columns }, nowMs).map(({ text }) => text.trimEnd());

test('renderTop() shows totals, the age, rows in order, and what the keys do', () => {
  assert.deepEqual(draw(state, 90, 8, 3_600), [
    'cpu 150% · memory 4.0 MiB · 5 processes                                             2s old',
    '2 running, 1 waiting on 3 nodes · by cpu',
    '  TASK        NODE    STATE    CPU%   MEMORY  PROCS  TIME   OUTPUT  COMMAND',
    '  aaaaaaaaaa  node1   running  150%  3.0 MiB      4  3.0s  2.0 KiB  backup --full',
    '  bbbbbbbbbb  node10  running  0.0%  1.0 MiB      1  3.0s      0 B  sleep 9',
    "  cccccccccc  node2   waiting     -        -      -     -        -  'flaky'",
    '',
    '? help · q quit · ↑ ↓ select · k kill · s stop · l log · / filter · space pause · c m p t…',
  ]);
});

test('renderTop() gives up columns where it is narrow, those first that matter least', () => {
  assert.deepEqual(draw(state, 40, 6), [
    '0s old · cpu 150% · memory 4.0 MiB · 5 …',
    '2 running, 1 waiting on 3 nodes · by cpu',
    '  NODE    CPU%   MEMORY  COMMAND',
    '  node1   150%  3.0 MiB  backup --full',
    '  node10  0.0%  1.0 MiB  sleep 9',
    '? help · q quit · ↑ ↓ select · k kill ·…',
  ]);
});

for (const mode of ['list', '?', '/', 'k', 's', 'l', ' ']) {
  test(`renderTop() fits every size in mode ${mode}`, () => {
    const lost = takeFailure(
      { ...state, problems: answerOf(0, [], [{ node: 'node2', error: 'away' }]).problems },
      'lost',
    );
    const shown = mode === 'list' ? lost : press(lost, 'down', mode, 'x', 'y');
    for (let columns = 1; columns < 130; columns += 3) {
      for (let rows = 1; rows < 40; rows += 3) {
        const lines = renderTop(shown, { rows, columns }, 9_000);
        assert.equal(lines.length, rows);
        for (const { text } of lines) assert.ok([...text].length <= columns, `${columns}: ${text}`);
      }
    }
  });
}

test('renderTop() marks the selected row, and keeps it in sight', () => {
  const many = Array.from({ length: 50 }, (_, i) => ({
    id: `t${String(i).padStart(9, '0')}`,
    node: `n${i}`,
  }));
  const long = press(firstState(answerOf(0, many), 0, 'node'), ...Array<string>(30).fill('down'));
  const lines = renderTop(long, { rows: 10, columns: 60 }, 0);
  const selected = lines.filter(({ tone }) => tone === 'selected');
  assert.equal(selected.length, 1);
  assert.match(selected[0]?.text ?? '', /^› t000000029 {2}n29 /);
});

test('renderTop() says what cannot be asked, and how old the rest is', () => {
  const { problems } = answerOf(
    0,
    [],
    [
      { node: 'web2', error: 'the node is not connected' },
      { node: 'web1', error: 'the node is not connected' },
    ],
  );
  const lines = renderTop(
    takeFailure({ ...state, problems }, 'lost the controller at h:1'),
    { rows: 9, columns: 80 },
    16_000,
  );
  assert.deepEqual(
    lines.filter(({ tone }) => tone === 'warning').map(({ text }) => text),
    [
      'stale for 14s, asking again: lost the controller at h:1',
      'cannot ask web[1-2]: the node is not connected',
    ],
  );
});

test('renderTop() shows no more warnings than leave room for rows', () => {
  const problems = Array.from({ length: 9 }, (_, i) => ({ node: `n${i}`, error: `reason ${i}` }));
  const lines = renderTop(
    { ...state, problems: answerOf(0, [], problems).problems },
    { rows: 12, columns: 80 },
    0,
  );
  const warnings = lines.filter(({ tone }) => tone === 'warning').map(({ text }) => text);
  assert.deepEqual(warnings, ['cannot ask n0: reason 0', 'cannot ask n1: reason 1', 'and 7 more problems']);
});

test('renderTop() says what it filters, what it asks, and what came of it', () => {
  const [, counts] = draw(press(state, '/', ...'node1'));
  assert.equal(counts, '2 running, 1 waiting on 3 nodes · by cpu · 2 of 3 have "node1"');
  assert.equal(draw(press(state, 'down', 's')).at(-1), 'stop aaaaaaaaaa on node1? y or n');
  assert.equal(
    draw(press(state, 'down', 'k', 'H', 'U', 'P')).at(-1),
    'signal for aaaaaaaaaa on node1 (INT): HUP▏  SIGNAL [leader|group|tree], Esc goe…',
  );
  assert.equal(draw(press(state, 'down', 'k', 'H', 'U', 'P'), 20).at(-1), '…n node1 (INT): HUP▏');
  assert.equal(draw({ ...state, notice: 'sent SIGHUP' }).at(-1), 'sent SIGHUP');
});

test('renderTop() shows the end of what a task has printed', () => {
  const log = press(state, 'down', 'l');
  assert.equal(draw(log)[3], 'reading …');
  if (log.mode.kind !== 'log') throw new Error('no log');
  const read = { ...log, mode: { ...log.mode, lines: Array.from({ length: 9 }, (_, i) => `line ${i}`) } };
  assert.deepEqual(draw(read, 80, 6).slice(2), [
    'the end of the output of aaaaaaaaaa on node1: backup --full',
    'line 7',
    'line 8',
    'Esc goes back',
  ]);
  assert.equal(draw({ ...log, mode: { ...log.mode, lines: [] } })[3], 'nothing yet');
});

test('renderTop() has no task to show', () => {
  const lines = draw(firstState(answerOf(0, []), 0, 'cpu'));
  assert.deepEqual(lines.slice(0, 2), [
    `cpu - · memory 0 B · 0 processes${' '.repeat(42)}2s old`,
    'no task · by cpu',
  ]);
});
