import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestWord } from './nearest-word.ts';

const words = ['run', 'ps', 'logs', 'kill', 'nodes', 'usage', 'shutdown', 'join-token create'];

for (const [typed, expected] of [
  ['rnu', 'run'],
  ['node', 'nodes'],
  ['log', 'logs'],
  ['klil', 'kill'],
  ['shut', 'shutdown'],
  ['join-token', 'join-token create'],
  ['sp', 'ps'],
  ['frobnicate', undefined],
  ['x', undefined],
  ['ls', undefined],
  ['rum', 'run'],
  ['nice', undefined],
  ['noeds', 'nodes'],
] as const) {
  test(`nearestWord() to ${typed} is ${expected}`, () => assert.equal(nearestWord(typed, words), expected));
}
