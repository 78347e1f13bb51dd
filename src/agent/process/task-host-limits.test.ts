import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TaskHost } from '#agent/process/task-host.ts';
import { Cause, LogSource, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { newTask, output, type SpecInit, sh, start, TaskNode, words } from '#test/fixture/task-node.ts';

const { ENDED } = TaskState;
const isRoot = process.getuid?.() === 0;

async function printed(node: TaskNode, host: TaskHost, script: string, spec: SpecInit): Promise<string> {
  const task = newTask();
  host.start(sh(task, script, spec));
  const ended = await node.until(task, ENDED);
  assert.equal(words(ended), 'exit 0');
  return (await output(host, task, LogSource.STDOUT)).trim();
}

test('TaskHost starts with the umask, the priority and the process limits that were asked for', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  assert.equal(await printed(node, host, 'umask', { umask: 0o77 }), '0077');
  assert.equal(await printed(node, host, 'nice', { nice: 5 }), '5');
  const processLimits = [
    { resource: 'nofile', soft: 123n, hard: 456n },
    { resource: 'core', soft: 0n, hard: 0n },
  ];
  const limits = await printed(node, host, 'ulimit -Sn; ulimit -Hn; ulimit -Sc', { processLimits });
  assert.equal(limits, '123\n456\n0');
  assert.match(await printed(node, host, 'echo $DROVER_ATTEMPT_ID', {}), /^task\d{6}\.1$/);
});

test('TaskHost raises a priority as root only', { skip: isRoot ? false : 'needs root' }, async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  assert.equal(await printed(node, host, 'nice', { nice: -5 }), '-5');
});

test('TaskHost refuses what its user may not ask for, with one line', {
  skip: isRoot && 'needs an ordinary user',
}, async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'true', { nice: -5 }));
  assert.equal(words(await node.until(task, ENDED)), 'not started: nice -5: permission denied');
});

test('TaskHost says which of its own limits ended a process', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const cases = [
    {
      script: 'while :; do :; done',
      processLimits: [{ resource: 'cpu', soft: 1n, hard: 1n }],
      end: 'SIGKILL',
      reason: 'its limit of 1 s of CPU time was reached',
    },
    {
      script: 'exec head -c 100000 /dev/zero',
      processLimits: [{ resource: 'fsize', soft: 4_096n }],
      end: 'SIGXFSZ',
      reason: 'its limit of 4096 bytes a file was reached',
    },
  ];
  for (const { script, processLimits, end, reason } of cases) {
    const task = newTask();
    const core = { resource: 'core', soft: 0n, hard: 0n };
    host.start(sh(task, script, { processLimits: [...processLimits, core] }));
    const ended = await node.until(task, ENDED);
    assert.deepEqual([words(ended), ended.cause, ended.reason], [end, Cause.LIMIT, reason]);
  }
});

test('TaskHost holds a task to its memory, or does not start it and says why', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  // Node.js itself is the program that fills its memory: one that is there wherever this runs.
  const program = 'const held = []; for (;;) held.push(Buffer.alloc(1 << 20, 1));';
  host.start(start(task, [process.execPath, '-e', program], { limits: { memoryBytes: 200n << 20n } }));
  const ended = await node.until(task, ENDED);
  if (ended.outcome?.kind.case === 'notStarted') {
    assert.match(words(ended), /^not started: limit of 200 MiB of memory: no (writable )?cgroup /);
    return t.skip(words(ended));
  }
  assert.deepEqual([words(ended), ended.cause], ['SIGKILL', Cause.LIMIT]);
  assert.equal(ended.reason, 'for want of memory the kernel killed one of its processes');
  const peak = ended.groupUsage?.memoryPeakBytes ?? 0n;
  assert.ok(peak > 150n << 20n && peak <= 200n << 20n, `${peak} bytes`);
});

const timeProgram = '/usr/bin/time';

test('TaskHost measures as time(1) does', {
  skip: !existsSync(timeProgram) && `needs ${timeProgram}`,
}, async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  const file = join(node.directory, 'time');
  const program = 'Buffer.alloc(100 << 20, 1); for (const end = Date.now() + 100; Date.now() < end;);';
  const measured = '%M %R %F %w %c %U %S';
  host.start(start(task, [timeProgram, '-o', file, '-f', measured, process.execPath, '-e', program]));
  const { usage } = await node.until(task, ENDED);
  const [maxRssKb = 0, minor = 0, major = 0, voluntary = 0, involuntary = 0, user = 0, system = 0] = (
    await readFile(file, 'utf8')
  )
    .split(' ')
    .map(Number);
  assert.ok(usage && maxRssKb > 100 << 10);
  assert.equal(usage.maxRssBytes, BigInt(maxRssKb) * 1024n);
  // What time itself used comes on top: a small program that starts and waits, interrupted and paged in as the machine has it.
  const own: readonly [bigint, number, number][] = [
    [usage.minorFaults, minor, 500],
    [usage.majorFaults, major, 100],
    [usage.voluntarySwitches, voluntary, 100],
    [usage.involuntarySwitches, involuntary, 100],
    [usage.userUs + usage.systemUs, (user + system) * 1e6, 100_000],
  ];
  for (const [ours, theirs, most] of own) {
    // time(1) cuts off what is less than a hundredth of a second, twice.
    assert.ok(
      Number(ours) >= theirs && Number(ours) <= theirs + most,
      `${ours}, not ${theirs} to ${theirs + most}`,
    );
  }
});
