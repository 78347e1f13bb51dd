import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { LogDisk } from './log-disk.ts';

test('LogDisk.isFull() is false where there is room, where there are no blocks, and where nobody can say', (t) => {
  const clock = new FakeClock();
  for (const directory of [temporaryDirectory(t), '/proc', '/nowhere']) {
    assert.equal(new LogDisk(directory, clock).isFull(), false, directory);
  }
});
