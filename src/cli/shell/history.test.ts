import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { History, historyLinesMax } from './history.ts';

test('History keeps lines between prompts, newest first, for its owner only', (t) => {
  const path = join(temporaryDirectory(t), 'state', 'drover', 'history');
  {
    using history = new History(path);
    for (const line of ['ls', 'ps', 'ps', '', ' echo secret', '\tx', 'ü'.repeat(5_000), 'list'])
      history.add(line);
    assert.deepEqual(history.lines, ['list', 'ps', 'ls']);
  }
  assert.equal(readFileSync(path, 'utf8'), 'ls\nps\nlist\n');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  chmodSync(path, 0o644);
  using again = new History(path);
  assert.deepEqual(again.lines, ['list', 'ps', 'ls']);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  again.clear();
  again.add('top');
  assert.equal(readFileSync(path, 'utf8'), 'top\n');
});

test('History of two prompts at a time has the lines of both', (t) => {
  const path = join(temporaryDirectory(t), 'history');
  using one = new History(path);
  using two = new History(path);
  one.add('one');
  two.add('two');
  one.add('three');
  using read = new History(path);
  assert.deepEqual(read.lines, ['three', 'two', 'one']);
});

test('History is bounded, in memory and in its file', (t) => {
  const path = join(temporaryDirectory(t), 'history');
  writeFileSync(path, Array.from({ length: 3 * historyLinesMax }, (_, i) => `line ${i}\n`).join(''));
  using history = new History(path);
  assert.equal(history.lines.length, historyLinesMax);
  assert.equal(history.lines[0], `line ${3 * historyLinesMax - 1}`);
  history.add('more');
  assert.equal(history.lines.length, historyLinesMax);
  assert.equal(readFileSync(path, 'utf8').split('\n').length, historyLinesMax + 2);
});

test('History shortens a file that became large, whatever is in it', (t) => {
  const path = join(temporaryDirectory(t), 'history');
  writeFileSync(path, `${'x'.repeat(2_000_000)}\nls\n`);
  using history = new History(path);
  assert.deepEqual(history.lines, ['ls']);
  assert.equal(statSync(path).size, 3);
});

test('History that is linked away keeps nothing, and says nothing', (t) => {
  const path = join(temporaryDirectory(t), 'history');
  symlinkSync('/dev/null', path);
  const { mode } = statSync('/dev/null');
  using history = new History(path);
  history.add('ls');
  history.clear();
  assert.equal(history.problem, undefined);
  assert.equal(statSync('/dev/null').mode, mode);
});

test('History that cannot be kept is this prompt’s, and says why', () => {
  using history = new History('/proc/nowhere/history');
  history.add('ls');
  assert.deepEqual(history.lines, ['ls']);
  assert.match(history.problem ?? '', /^the history of the prompt is not kept: [^\n]+\/proc\/nowhere/);
});
