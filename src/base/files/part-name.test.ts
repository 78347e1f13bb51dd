import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { isAbandoned, newPartName, parsePartName, releasePartName } from './part-name.ts';

function parsed(name: string) {
  const part = parsePartName(name);
  assert.ok(part);
  return part;
}

test('newPartName() fits beside any name, and says which target it is for', () => {
  const name = newPartName('n'.repeat(255), 'part');
  assert.ok(name.length < 255);
  assert.equal(parsed(name).target, parsed(newPartName('n'.repeat(255), 'part')).target);
  assert.notEqual(parsed(name).target, parsed(newPartName('other', 'part')).target);
  assert.equal(parsePartName('.drover-x.part'), undefined);
  assert.equal(parsePartName('file'), undefined);
});

test('isAbandoned() is true as soon as nobody builds the part any more, and not before', async () => {
  const mine = parsed(newPartName('file', 'part'));
  assert.equal(isAbandoned(mine, 1e9), false);
  releasePartName(mine.name);
  assert.equal(isAbandoned(mine, 0), true);
  const child = spawn('sleep', ['60']);
  const gone = once(child, 'exit');
  const pid = child.pid ?? 0;
  assert.equal(isAbandoned({ ...mine, pid }, 0), true, 'another process has that number now');
  child.kill();
  await gone;
  assert.equal(isAbandoned({ ...mine, pid }, 0), true);
  assert.equal(isAbandoned({ ...mine, pid: 1, started: '0' }, 0), true);
  assert.equal(isAbandoned({ ...mine, host: 'ffffffff' }, 60_000), false, 'it may go on elsewhere');
  assert.equal(isAbandoned({ ...mine, host: 'ffffffff' }, 3_600_000), true);
});
