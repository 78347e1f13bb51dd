import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, cut, renderTable } from './table.ts';

interface Row {
  readonly id: string;
  readonly pid: number;
  readonly command: string;
}

const columns: Column<Row>[] = [
  { header: 'TASK', value: (row) => row.id },
  { header: 'PID', value: (row) => String(row.pid), right: true },
  { header: 'COMMAND', value: (row) => row.command },
];
const rows: Row[] = [
  { id: 'k3j2n1aaaa', pid: 7, command: 'sleep 60' },
  { id: 'b', pid: 12345, command: `backup --to ${'x'.repeat(100)}\nsecond\u001b[31m line` },
];

test('renderTable() gives columns their natural width and cuts nothing without a terminal', () => {
  assert.deepEqual(renderTable(columns, rows), [
    'TASK          PID  COMMAND',
    'k3j2n1aaaa      7  sleep 60',
    `b           12345  backup --to ${'x'.repeat(100)} second line`,
  ]);
});

for (const width of [5, 20, 40, 80, 120]) {
  test(`renderTable() fits ${width} columns, a row a line`, () => {
    const lines = renderTable(columns, rows, width);
    assert.equal(lines.length, 3);
    for (const line of lines) assert.ok([...line].length <= width, line);
    if (width >= 40) assert.match(lines[2] ?? '', /^b {11}12345 {2}backup --to x*…$/);
  });
}

test('renderTable() of no rows is its heading', () => {
  assert.deepEqual(renderTable(columns, []), ['TASK  PID  COMMAND']);
});

test('cut() never splits a character', () => assert.equal(cut('🐑🐑🐑', 2), '🐑…'));
