import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { captureOutput, captureTerminal } from '#cli/testing/captured-output.ts';
import { makeTask } from '#cli/testing/fake-api.ts';
import { exited } from '#core/outcome.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { describeProgress, Progress } from './progress.ts';

const { PENDING, RUNNING, STOPPING, WAITING, ENDED } = TaskState;
const erase = '\r\u001b[2K';

const tasks = [PENDING, PENDING, RUNNING, STOPPING, WAITING]
  .map((state, i) => makeTask(`t${i}`, `n${i}`, { state }))
  .concat([0, 0, 1].map((code, i) => makeTask(`e${i}`, `m${i}`, { state: ENDED, outcome: exited(code) })));

test('describeProgress() counts every task once', () => {
  assert.equal(describeProgress(tasks), '2 done · 3 running · 1 failed · 2 left');
});

test('Progress stays below what is printed, is redrawn when it changes, and goes away', async () => {
  const clock = new FakeClock();
  const { out, text } = captureTerminal(80);
  const latest = new Map<string, Task>([['a', makeTask('a', 'n1')]]);
  {
    using _progress = new Progress(out, clock, latest);
    await clock.advance(900);
    assert.equal(text(), '');
    await clock.advance(100);
    out.outLine('one');
    out.out('half');
    latest.set('a', makeTask('a', 'n1', { state: ENDED, outcome: exited(0) }));
    await clock.advance(500);
    out.errLine(' done');
  }
  const first = '0 done · 1 running · 0 failed · 0 left';
  const last = '1 done · 0 running · 0 failed · 0 left';
  assert.equal(text(), `${first}${erase}one\n${first}${erase}half done\n${last}${erase}`);
});

test('Progress fits a narrow terminal', async () => {
  const clock = new FakeClock();
  const { out, text } = captureTerminal(12);
  using _progress = new Progress(out, clock, new Map([['a', makeTask('a', 'n1')]]));
  await clock.advance(1_000);
  assert.equal(text(), '0 done · 1…');
});

test('Progress shows nothing where there is no terminal, or where the cursor is not to be moved', async () => {
  for (const { out, text } of [
    captureTerminal(80, true),
    (({ output, stdout, stderr }) => ({ out: output, text: () => stdout() + stderr() }))(captureOutput()),
  ]) {
    const clock = new FakeClock();
    using _progress = new Progress(out, clock, new Map([['a', makeTask('a', 'n1')]]));
    await clock.advance(5_000);
    assert.equal(text(), '');
  }
});
