import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseTaskRef, type TaskRef } from './task-ref.ts';

const cases: readonly (readonly [string, TaskRef | undefined])[] = [
  ['4711', { kind: 'pid', pid: 4711, node: undefined }],
  ['web1:4711', { kind: 'pid', pid: 4711, node: 'web1' }],
  ['kx3', { kind: 'id', text: 'kx3' }],
  ['0197', { kind: 'id', text: '0197' }],
  ['01979c5e-7d0c-7000-8000-000000000001', { kind: 'id', text: '01979c5e-7d0c-7000-8000-000000000001' }],
  ['99999999', { kind: 'id', text: '99999999' }],
  ['', undefined],
  ['web1:', undefined],
  ['web1:x', undefined],
  ['web1:0', undefined],
  [':12', undefined],
  ['WEB:12', undefined],
  ['../etc', undefined],
  ['KX3', undefined],
  ['x'.repeat(37), undefined],
];

for (const [text, expected] of cases) {
  it(`parseTaskRef(${JSON.stringify(text)})`, () => assert.deepEqual(parseTaskRef(text), expected));
}
