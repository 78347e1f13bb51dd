import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { FileProblemSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { FileProblems } from './file-problems.ts';

const problem = (path: string, error: string) => create(FileProblemSchema, { path, error });

test('FileProblems are a line each, with the nodes that have them', () => {
  const problems = new FileProblems();
  problems.add('n1', problem('a', 'permission denied'));
  problems.add('n2', problem('a', 'permission denied'));
  problems.add('n2', problem('b', 'permission denied'));
  problems.add('n3', problem('', 'the disk\nis gone'));
  const lines = problems.render();
  assert.deepEqual(lines.slice(0, 2), ['n[1-2]: a: permission denied', 'n2: b: permission denied']);
  assert.match(lines[2] ?? '', /^n3: the disk.*is gone$/);
});

test('FileProblems of very many files alike are told of the first, and counted', () => {
  const problems = new FileProblems();
  for (let at = 0; at < 5_000; at += 1) {
    for (const node of ['n1', 'n2']) problems.add(node, problem(`f${at}`, 'no space left on the device'));
  }
  problems.add('n1', problem('other', 'permission denied'));
  const lines = problems.render();
  assert.equal(lines.length, 12);
  assert.equal(lines[0], 'n[1-2]: f0: no space left on the device');
  assert.equal(lines[10], 'n[1-2]: 9980 more files: no space left on the device');
  assert.equal(lines[11], 'n1: other: permission denied');
});

test('FileProblems that are all different are kept up to a limit', () => {
  const problems = new FileProblems();
  for (let at = 0; at < 1_003; at += 1) problems.add('n1', problem('a', `error ${at}`));
  const lines = problems.render();
  assert.equal(lines.length, 1_001);
  assert.equal(lines.at(-1), '3 further problems are not shown');
});
