import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programArguments } from './program-arguments.ts';

test('programArguments() gives what bin/drover has marked as it was', () => {
  const marked = ['run', '-w', 'web1', ':--env-file', 'f', ':--', '::', '::--x', ':::', '', ':--env-file=f'];
  const args = ['run', '-w', 'web1', '--env-file', 'f', '--', ':', ':--x', '::', '', '--env-file=f'];
  assert.deepEqual(programArguments(['node', 'main.ts', ...marked]), args);
});

test('programArguments() leaves what was never marked', () => {
  assert.deepEqual(programArguments(['node', 'main.ts', '--data', 'x']), ['--data', 'x']);
});
