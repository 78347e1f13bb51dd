import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { chooseStyle } from './choose-style.ts';

test('chooseStyle() gives the very bytes of one node to a pipe, and lines with names else', () => {
  const facts = { literal: true, folding: false, bytesToPipe: false };
  assert.equal(chooseStyle('file cat', {}, facts), 'plain');
  assert.equal(chooseStyle('file cat', {}, { ...facts, bytesToPipe: true }), 'raw');
  assert.equal(chooseStyle('file cat', {}, { ...facts, literal: false, bytesToPipe: true }), 'named');
  assert.equal(chooseStyle('file cat', { raw: true }, { ...facts, literal: false }), 'raw');
  assert.equal(chooseStyle('file cat', {}, { ...facts, literal: false, folding: true }), 'folded');
  assert.equal(chooseStyle('file cat', { fold: true }, { ...facts, bytesToPipe: true }), 'folded');
  assert.throws(() => chooseStyle('file cat', { fold: true, raw: true }, facts), UsageError);
  assert.throws(() => chooseStyle('file cat', { fold: true, output: 'jsonl' }, facts), UsageError);
});
