import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { captureTerminal } from '#cli/testing/captured-output.ts';
import { CopyProgressLine, describeCopy, type NodeProgress } from './copy-progress.ts';

const node = (bytes: number, totalBytes?: number, isOver = false): NodeProgress => ({
  bytes,
  totalBytes,
  isOver,
});

test('describeCopy() tells the whole, the rate, the time left and the slowest', () => {
  const nodes = new Map([
    ['web1', node(1000, 1000, true)],
    ['web2', node(500, 1000)],
    ['web3', node(250, 1000)],
  ]);
  assert.equal(describeCopy(nodes, 125), '1 of 3 nodes · 58% · 125 B/s · 10s left · slowest web3 25%');
  assert.equal(describeCopy(nodes, 0), '1 of 3 nodes · 58% · 0 B/s · slowest web3 25%');
});

test('describeCopy() leaves out what is not known, and the node where there is one', () => {
  assert.equal(describeCopy(new Map([['web1', node(2048)]]), 1024), '2.0 KiB · 1.0 KiB/s');
  assert.equal(describeCopy(new Map([['web1', node(0, 0)]]), 0), '100% · 0 B/s');
});

test('CopyProgressLine draws after a second at a terminal, and takes the line away', async () => {
  const clock = new FakeClock();
  const { out, text } = captureTerminal(80);
  {
    using line = new CopyProgressLine(out, clock);
    line.update('web1', { totalBytes: 4096 });
    await clock.advance(999);
    assert.equal(text(), '');
    await clock.advance(1);
    line.update('web1', { bytes: 2048 });
    await clock.advance(1_000);
    assert.match(text(), /50% · 2\.0 KiB\/s · 1\.0s left$/);
  }
  assert.ok(text().endsWith('\r\u001b[2K'));
});
