import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Journal } from '#agent/journal/journal.ts';
import { encodeRecords, scanJournal } from '#agent/journal/journal-frames.ts';
import { systemClock } from '#base/clock.ts';
import { AttemptSchema, Cause, LogSource, SignalScope, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { newTask, output, sh, silentLog, TaskNode, untilDead, words } from '#test/fixture/task-node.ts';

test('TaskHost closed and opened again has its tasks, also those that ended meanwhile', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const short = newTask();
  const long = newTask();
  host.start(sh(short, 'sleep 0.2; echo end; exit 9'));
  host.start(sh(long, 'while :; do sleep 0.01; done'));
  await node.until(short, TaskState.RUNNING);
  const running = await node.until(long, TaskState.RUNNING);
  await node.close();
  await untilDead((await node.until(short, TaskState.RUNNING)).pid);
  const again = await node.open();
  assert.equal(words(await node.until(short, TaskState.ENDED)), 'exit 9');
  assert.equal(await output(again, short, LogSource.STDOUT), 'end\n');
  assert.equal(await again.signal(long, 'SIGKILL', SignalScope.LEADER), running.pid);
  const killed = await node.until(long, TaskState.ENDED);
  assert.deepEqual([words(killed), killed.cause], ['SIGKILL', Cause.OPERATOR]);
});

test('TaskHost adopts what the supervisor has and a lost journal does not know', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const [ended, running] = [newTask(), newTask()];
  host.start(sh(ended, 'sleep 0.2; echo end; exit 9'));
  const order = sh(running, 'while :; do sleep 0.01; done');
  host.start(order);
  const { journalId } = host.held();
  const { pid } = await node.until(running, TaskState.RUNNING);
  const { pid: endedPid } = await node.until(ended, TaskState.RUNNING);
  await node.close();
  await untilDead(endedPid);
  await rm(join(node.directory, 'journal'));
  node.events.length = 0;
  const again = await node.open();
  assert.notEqual(again.held().journalId, journalId);
  assert.deepEqual([...again.held().tasks].sort(), [ended, running].sort());
  again.start(order);
  assert.equal(words(await node.until(ended, TaskState.ENDED)), 'exit 9');
  assert.equal(await output(again, ended, LogSource.STDOUT), 'end\n');
  assert.equal((await node.until(running, TaskState.RUNNING)).pid, pid);
  await again.stop(running, 1_000, Cause.OPERATOR);
  assert.equal(words(await node.until(running, TaskState.ENDED)), 'SIGTERM');
});

test('TaskHost does not start again what a lost journal had, though nothing else remembers it', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  const order = sh(task, `echo started >> ${join(node.directory, 'witness')}`);
  host.start(order);
  await node.until(task, TaskState.ENDED);
  while ((await readdir(join(node.directory, 'supervisor', 'attempts'))).length > 0) await setImmediate();
  await node.close();
  await rm(join(node.directory, 'journal'));
  node.events.length = 0;
  const again = await node.open();
  again.start(order);
  assert.equal(words(await node.until(task, TaskState.ENDED)), 'unknown: the records of its agent were lost');
  assert.equal(await readFile(join(node.directory, 'witness'), 'utf8'), 'started\n');
});

test('TaskHost does not start again what its journal took on and has lost the end of', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, `echo started >> ${join(node.directory, 'witness')}`));
  await node.until(task, TaskState.ENDED);
  while ((await readdir(join(node.directory, 'supervisor', 'attempts'))).length > 0) await setImmediate();
  await node.close();
  const path = join(node.directory, 'journal');
  const { records } = scanJournal(await readFile(path));
  const accepted = records.findIndex(({ kind }) => kind.case === 'accepted');
  await writeFile(path, encodeRecords(records.slice(0, accepted + 1)));
  node.events.length = 0;
  await node.open();
  assert.equal(words(await node.until(task, TaskState.ENDED)), 'unknown: the records of its agent were lost');
  assert.equal(await readFile(join(node.directory, 'witness'), 'utf8'), 'started\n');
});

test('TaskHost killed by SIGKILL loses nothing', async (t) => {
  const node = await TaskNode.make(t);
  const program = `
    import { TaskHost } from '#agent/process/task-host.ts';
    import { systemClock } from '#base/clock.ts';
    import { create } from '@bufbuild/protobuf';
    import { pino } from 'pino';
    import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
    const launch = { binary: '/bin/sh', cwd: '/', env: [], identity: undefined, umask: 0, noNewPrivs: true };
    const host = await TaskHost.open({
      directory: ${JSON.stringify(node.directory)}, clock: systemClock, log: pino({ level: 'silent' }),
      decideLaunch: async ({ spec }) => ({ allowed: true, rule: 'any', launch: { ...launch, argv: spec.argv } }),
      decideSignal: () => ({ allowed: true }),
    });
    let running = 0;
    host.listen(0n, (event) => { if (event.attempt.state === 3 && ++running === 20) process.stdout.write('on'); });
    for (let i = 0; i < 20; i++) {
      const argv = ['/bin/sh', '-c', 'echo a; sleep 0.' + (i % 5) + '; echo b; exit ' + i];
      host.start(create(StartSchema, { taskId: 'crash' + String(i).padStart(5, '0'), attempt: 1, spec: { argv } }));
    }
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const host = await node.open();
  for (let i = 0; i < 20; i++) {
    const task = `crash${String(i).padStart(5, '0')}`;
    assert.equal(words(await node.until(task, TaskState.ENDED)), `exit ${i}`);
    assert.equal(await output(host, task, LogSource.STDOUT), 'a\nb\n');
  }
});

test('TaskHost survives the SIGKILL of its supervisor with nothing lost', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const ended = newTask();
  host.start(sh(ended, 'sleep 0.1; exit 4'));
  const going = newTask();
  host.start(sh(going, 'while :; do sleep 0.01; done'));
  await node.until(ended, TaskState.RUNNING);
  await node.until(going, TaskState.RUNNING);
  process.kill(await node.supervisorPid(), 'SIGKILL');
  const meanwhile = newTask();
  host.start(sh(meanwhile, 'exit 5'));
  assert.equal(words(await node.until(ended, TaskState.ENDED)), 'exit 4');
  assert.equal(words(await node.until(meanwhile, TaskState.ENDED)), 'exit 5');
  await host.stop(going, 1_000, Cause.OPERATOR);
  assert.equal(words(await node.until(going, TaskState.ENDED)), 'SIGTERM');
});

test('TaskHost on a disk that cannot be written refuses starts, and says ends later', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const before = newTask();
  host.start(sh(before, 'exec sleep 1000'));
  await node.until(before, TaskState.RUNNING);
  await node.close();
  // Where the journal is written anew before it is renamed: no file can be made there.
  const temporary = join(node.directory, `.journal.${process.pid}.tmp`);
  await mkdir(temporary);
  const again = await node.open();
  const refused = newTask();
  again.start(sh(refused, 'exit 0'));
  assert.match(words(await node.until(refused, TaskState.ENDED)), /^not started: journal: EISDIR/);
  await again.signal(before, 'SIGKILL', SignalScope.LEADER);
  await rm(temporary, { recursive: true });
  assert.equal(words(await node.until(before, TaskState.ENDED)), 'SIGKILL');
});

test('TaskHost still ends a task whose monitor was killed, and never takes that for a success', async (t) => {
  const node = await TaskNode.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec sleep 1000'));
  const { pid } = await node.until(task, TaskState.RUNNING);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  process.kill(Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]), 'SIGKILL');
  await host.stop(task, 100, Cause.OPERATOR);
  const ended = await node.until(task, TaskState.ENDED);
  assert.match(words(ended), /^(SIGTERM|SIGKILL|unknown: monitor lost)$/);
  await untilDead(pid);
});

test('TaskHost.open() goes on with what an earlier agent took on', async (t) => {
  const node = await TaskNode.make(t);
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const starting = create(AttemptSchema, { number: 1, state: TaskState.STARTING });
  const running = create(AttemptSchema, { number: 1, state: TaskState.RUNNING, pid: 12 });
  const [fresh, late, rebooted, ran, vanished] = [newTask(), newTask(), newTask(), newTask(), newTask()];
  const path = join(node.directory, 'journal');
  const journal = await Journal.open({ path, clock: systemClock, log: silentLog });
  await journal.accept(sh(fresh, 'exit 6'), bootId, starting);
  await journal.accept({ ...sh(late, 'exit 6'), notAfter: timestampFromMs(1) }, bootId, starting);
  await journal.accept(sh(rebooted, 'exit 6'), 'another-boot', starting);
  await journal.accept(sh(ran, 'exit 6'), 'another-boot', starting);
  await journal.report(ran, running);
  await journal.accept(sh(vanished, 'exit 6'), bootId, starting);
  await journal.report(vanished, running);
  await journal[Symbol.asyncDispose]();
  const host = await node.open();
  const ends = [
    { task: fresh, end: 'exit 6', cause: Cause.ITSELF },
    { task: late, end: 'not started: agent restarted before it was started', cause: Cause.ITSELF },
    { task: rebooted, end: 'unknown: reboot', cause: Cause.REBOOT },
    { task: ran, end: 'unknown: reboot', cause: Cause.REBOOT },
    { task: vanished, end: 'unknown: the supervisor has no record of it', cause: Cause.ITSELF },
  ];
  for (const { task, end, cause } of ends) {
    const ended = await node.until(task, TaskState.ENDED);
    assert.deepEqual([words(ended), ended.cause], [end, cause]);
  }
  assert.equal(host.held().tasks.length, 5);
});
