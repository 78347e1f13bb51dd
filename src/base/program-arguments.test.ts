import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markArguments, programArguments } from './program-arguments.ts';

test('programArguments() gives what markArguments() took', () => {
  const args = ['run', '-w', 'web1', '--env-file', 'f', '--', ':', ':--x', '::', '', '--env-file=f', 'a\nb'];
  const marked = markArguments(args);
  assert.deepEqual(programArguments(['node', 'main.ts', ...marked]), args);
  assert.ok(marked.every((arg) => !arg.startsWith('--')));
});

test('programArguments() leaves what was never marked', () => {
  assert.deepEqual(programArguments(['node', 'main.ts', '--data', 'x']), ['--data', 'x']);
});
