import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { pino } from 'pino';
import { RefusedOrderError } from '#agent/workload.ts';
import { systemClock } from '#base/clock.ts';
import { supervisorPath } from '#base/installation.ts';
import { describeOutcome } from '#core/outcome.ts';
import { type Event, OpenLogSchema, StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import {
  type Attempt,
  Cause,
  LogSource,
  SignalScope,
  type TaskSpec,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import type { DecideLaunch } from './launch-decision.ts';
import { TaskHost } from './task-host.ts';

const log = pino({ level: process.env['DROVER_TEST_LOG'] ?? 'silent' });

/** Lets everything run that has an absolute binary, as who we are. */
const decideLaunch: DecideLaunch = async ({ spec }, workspace) => {
  const argv = spec?.argv ?? [];
  const binary = argv[0] ?? '';
  if (!binary.startsWith('/')) {
    return { allowed: false, step: 'command', errno: 2, reason: `command ${binary}: not found on PATH` };
  }
  const env = ['PATH=/usr/bin:/bin', ...Object.entries(spec?.env ?? {}).map(([k, v]) => `${k}=${v}`)];
  const cwd = spec?.cwd || workspace;
  const launch = { binary, argv, cwd, env, identity: undefined, umask: 0o22, noNewPrivs: true };
  return { allowed: true, launch };
};

type Spec = Partial<Pick<TaskSpec, 'cwd' | 'timeoutMs' | 'stopSignal' | 'stopGraceMs'>>;

/** A node's directory that outlives its hosts; everything in it is ended when the test is. */
class Node {
  readonly directory: string;
  readonly events: Event[] = [];
  #host: TaskHost | undefined;
  #heard = Promise.withResolvers<void>();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(t: TestContext, name = 'drover-node-'): Promise<Node> {
    const node = new Node(await mkdtemp(join(tmpdir(), name)));
    t.after(() => node.#end());
    return node;
  }

  async open(decide: DecideLaunch = decideLaunch): Promise<TaskHost> {
    this.#host = await TaskHost.open({
      directory: this.directory,
      clock: systemClock,
      log,
      decideLaunch: decide,
      decideSignal: (signal) =>
        signal === 'SIGUSR2'
          ? { allowed: false, reason: 'the policy does not allow SIGUSR2' }
          : { allowed: true },
    });
    this.#host.listen(this.events.at(-1)?.sequence ?? 0n, (event) => {
      this.events.push(event);
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    });
    return this.#host;
  }

  async close(): Promise<void> {
    await this.#host?.[Symbol.asyncDispose]();
    this.#host = undefined;
  }

  ofTask(taskId: string): Attempt[] {
    return this.events.flatMap((event) => (event.taskId === taskId && event.attempt ? [event.attempt] : []));
  }

  /** The first event of the task in that state. */
  async until(taskId: string, state: TaskState): Promise<Attempt> {
    for (;;) {
      const found = this.ofTask(taskId).find((attempt) => attempt.state === state);
      if (found) return found;
      await this.#heard.promise;
    }
  }

  async supervisorPid(): Promise<number> {
    const pids = await pidsOf(join(this.directory, 'supervisor'));
    assert.equal(pids.length > 0, true);
    return Math.min(...pids);
  }

  async #end(): Promise<void> {
    const host = this.#host ?? (await this.open());
    for (const taskId of host.held().tasks) {
      await host.stop(taskId, 1, Cause.SHUTDOWN).catch(() => {});
      await this.until(taskId, TaskState.ENDED);
    }
    assert.equal(await host.shutdownSupervisor(), true);
    await this.close();
    await untilGone(join(this.directory, 'supervisor'));
    await rm(this.directory, { recursive: true });
  }
}

/** Processes with that state directory: the server and its monitors. */
async function pidsOf(state: string): Promise<number[]> {
  const { readdir } = await import('node:fs/promises');
  const pids: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.split('\0').includes(state) && line.includes('drover-supervisor')) pids.push(Number(name));
  }
  return pids;
}

async function untilGone(state: string): Promise<void> {
  while ((await pidsOf(state)).length > 0) await new Promise((resolve) => setImmediate(resolve));
}

let tasks = 0;

function newTask(): string {
  return `task${String(tasks++).padStart(6, '0')}`;
}

function start(taskId: string, argv: string[], spec: Spec = {}, attempt = 1) {
  return create(StartSchema, { taskId, attempt, spec: { argv, ...spec }, runId: 'run', operator: 'test' });
}

function sh(taskId: string, script: string, spec: Spec = {}) {
  return start(taskId, ['/bin/sh', '-c', script], spec);
}

function words(attempt: Attempt): string {
  return attempt.outcome ? describeOutcome(attempt.outcome) : '';
}

async function output(host: TaskHost, taskId: string, source: LogSource, follow = false): Promise<string> {
  const parts: Uint8Array[] = [];
  const order = create(OpenLogSchema, { taskId, source, follow });
  for await (const chunk of host.readLog(order, new AbortController().signal)) parts.push(chunk.data);
  return Buffer.concat(parts).toString();
}

test('TaskHost.start() runs a command and tells each step of it', async (t) => {
  const node = await Node.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'echo out; echo err >&2; pwd; exit 7'));
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual(
    node.ofTask(task).map((attempt) => attempt.state),
    [TaskState.STARTING, TaskState.RUNNING, TaskState.ENDED],
  );
  assert.equal(words(ended), 'exit 7');
  assert.equal(ended.cause, Cause.ITSELF);
  assert.equal(ended.binary, '/bin/sh');
  assert.ok(ended.pid > 1 && ended.startedAt && ended.endedAt && (ended.usage?.maxRssBytes ?? 0n) > 0n);
  const stdout = `out\n${join(node.directory, 'workspace')}\n`;
  assert.equal(await output(host, task, LogSource.STDOUT), stdout);
  assert.equal(await output(host, task, LogSource.STDERR), 'err\n');
  assert.deepEqual([ended.stdoutBytes, ended.stderrBytes], [BigInt(stdout.length), 4n]);
  const usage = await host.usage();
  assert.ok(usage.maxRssBytes > 0n);
});

test('TaskHost.start() of the same attempt again starts nothing and tells the latest event again', async (t) => {
  const node = await Node.make(t);
  const host = await node.open();
  const task = newTask();
  const order = sh(task, 'echo once >> "$FILE"');
  host.start(order);
  host.start(order);
  await node.until(task, TaskState.ENDED);
  const before = node.ofTask(task).length;
  host.start(order);
  assert.equal(node.ofTask(task).length, before + 1);
  assert.equal(node.ofTask(task).at(-1)?.state, TaskState.ENDED);
  host.acknowledge(host.held().lastEvent);
  host.start(order);
  assert.equal(node.ofTask(task).length, before + 1);
});

test('TaskHost.start() says why nothing was started', async (t) => {
  const node = await Node.make(t);
  const host = await node.open();
  const cases = [
    { argv: ['frobnicate'], step: 'command', errno: 2, reason: 'command frobnicate: not found on PATH' },
    { argv: ['/nope'], step: 'execve', errno: 2, reason: 'execve /nope: no such file or directory' },
    { argv: ['/etc/passwd'], step: 'execve', errno: 13, reason: 'execve /etc/passwd: permission denied' },
    {
      argv: ['/bin/true'],
      spec: { cwd: '/nope' },
      step: 'chdir',
      errno: 2,
      reason: 'chdir /nope: no such file or directory',
    },
  ];
  for (const { argv, spec, step, errno, reason } of cases) {
    const task = newTask();
    host.start(start(task, argv, spec));
    const { outcome, pid } = await node.until(task, TaskState.ENDED);
    assert.equal(pid, 0);
    assert.equal(outcome?.kind.case, 'notStarted');
    if (outcome?.kind.case !== 'notStarted') continue;
    const { value } = outcome.kind;
    assert.deepEqual({ step: value.step, errno: value.errno, reason: value.reason }, { step, errno, reason });
  }
  const late = newTask();
  host.start(create(StartSchema, { ...sh(late, 'true'), notAfter: timestampFromMs(1) }));
  assert.equal(words(await node.until(late, TaskState.ENDED)), 'not started: the order came too late');
});

test('TaskHost.stop() gives the grace, then SIGKILL, to all of it', async (t) => {
  const node = await Node.make(t);
  const host = await node.open();
  const gentle = newTask();
  host.start(sh(gentle, 'trap "exit 3" TERM; while :; do sleep 0.01; done'));
  const stubborn = newTask();
  host.start(
    sh(stubborn, 'trap "" TERM; setsid sh -c "trap \\"\\" TERM; sleep 100" & echo on; while :; do sleep 1; done'),
  );
  await node.until(gentle, TaskState.RUNNING);
  await host.stop(gentle, 10_000, Cause.OPERATOR);
  const first = await node.until(gentle, TaskState.ENDED);
  assert.deepEqual([words(first), first.cause], ['exit 3', Cause.OPERATOR]);

  await node.until(stubborn, TaskState.RUNNING);
  await untilOutput(host, stubborn, 'on\n');
  await host.stop(stubborn, 10_000, Cause.OPERATOR);
  await host.stop(stubborn, 1, Cause.SHUTDOWN);
  const second = await node.until(stubborn, TaskState.ENDED);
  assert.deepEqual([words(second), second.cause], ['SIGKILL', Cause.OPERATOR]);
  await assert.rejects(host.stop(stubborn, 0, Cause.OPERATOR), RefusedOrderError);
});

test('TaskHost ends what outlives its leader, and lists it', async (t) => {
  const node = await Node.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'setsid sleep 1000 & exit 0'));
  const stopping = await node.until(task, TaskState.STOPPING);
  assert.match(stopping.reason, /its leader has ended, 1 of its processes have not \(\w+ \d+\): SIGTERM sent/);
  assert.equal(words(stopping), 'exit 0');
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual([words(ended), ended.cause, ended.leftovers.length], ['exit 0', Cause.ITSELF, 1]);
});

test('TaskHost.signal() reaches the task and is the cause of its end', async (t) => {
  const node = await Node.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec sleep 1000'));
  const { pid } = await node.until(task, TaskState.RUNNING);
  await assert.rejects(host.signal(task, 'SIGNOPE', SignalScope.LEADER), /unknown signal SIGNOPE/);
  await assert.rejects(host.signal(task, 'SIGUSR2', SignalScope.LEADER), /policy does not allow/);
  assert.equal(await host.signal(task, 'SIGUSR1', SignalScope.LEADER), pid);
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual([words(ended), ended.cause], ['SIGUSR1', Cause.OPERATOR]);
  await assert.rejects(host.signal(task, 'SIGTERM', SignalScope.LEADER), RefusedOrderError);
  await assert.rejects(host.signal(newTask(), 'SIGTERM', SignalScope.LEADER), RefusedOrderError);
});

test('TaskHost ends a task at its time limit', async (t) => {
  const node = await Node.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exec sleep 1000', { timeoutMs: 50n }));
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual([words(ended), ended.cause], ['SIGTERM', Cause.TIMEOUT]);
});

test('TaskHost.readLog() follows a task to its end', async (t) => {
  const node = await Node.make(t);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'for i in 1 2 3 4 5; do echo $i; sleep 0.03; done; sleep 0.3; echo last'));
  assert.equal(await output(host, task, LogSource.STDOUT, true), '1\n2\n3\n4\n5\nlast\n');
  await assert.rejects(output(host, 'taskzzzzzz', LogSource.STDOUT), RefusedOrderError);
});

test('TaskHost closed and opened again has its tasks, also those that ended meanwhile', async (t) => {
  const node = await Node.make(t);
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

test('TaskHost killed by SIGKILL loses nothing', async (t) => {
  const node = await Node.make(t);
  const program = `
    import { TaskHost } from '#agent/process/task-host.ts';
    import { systemClock } from '#base/clock.ts';
    import { create } from '@bufbuild/protobuf';
    import { pino } from 'pino';
    import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
    const launch = { binary: '/bin/sh', cwd: '/', env: [], identity: undefined, umask: 0, noNewPrivs: true };
    const host = await TaskHost.open({
      directory: ${JSON.stringify(node.directory)}, clock: systemClock, log: pino({ level: 'silent' }),
      decideLaunch: async ({ spec }) => ({ allowed: true, launch: { ...launch, argv: spec.argv } }),
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
  const node = await Node.make(t);
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

test('TaskHost tells 500 instant exits, each started before it exited', async (t) => {
  const node = await Node.make(t);
  const host = await node.open();
  const ids = Array.from({ length: 500 }, newTask);
  for (const [i, task] of ids.entries()) host.start(sh(task, `exit ${i % 256}`));
  for (const [i, task] of ids.entries()) {
    assert.equal(words(await node.until(task, TaskState.ENDED)), `exit ${i % 256}`);
    const states = node.ofTask(task).map((attempt) => attempt.state);
    assert.deepEqual(states, [TaskState.STARTING, TaskState.RUNNING, TaskState.ENDED]);
  }
  const sequences = node.events.map((event) => event.sequence);
  assert.deepEqual(
    sequences,
    sequences.toSorted((a, b) => Number(a - b)),
  );
  host.acknowledge(host.held().lastEvent);
});

test('TaskHost.open() works in a directory deeper than a socket path may be', async (t) => {
  const node = await Node.make(t, `drover-${'long-'.repeat(25)}`);
  const host = await node.open();
  const task = newTask();
  host.start(sh(task, 'exit 2'));
  assert.equal(words(await node.until(task, TaskState.ENDED)), 'exit 2');
});

test('TaskHost.stop() before the start is a task that never ran', async (t) => {
  const node = await Node.make(t);
  const gate = Promise.withResolvers<void>();
  const host = await node.open(async (order, workspace) => {
    await gate.promise;
    return decideLaunch(order, workspace);
  });
  const task = newTask();
  host.start(sh(task, 'exit 2'));
  await host.stop(task, 0, Cause.OPERATOR);
  gate.resolve();
  const ended = await node.until(task, TaskState.ENDED);
  assert.deepEqual(
    [words(ended), ended.cause],
    ['not started: stopped before it was started', Cause.OPERATOR],
  );
});

test('TaskHost.open() says why there is no supervisor', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-node-'));
  t.after(() => rm(directory, { recursive: true }));
  const options = { directory, clock: systemClock, log, decideLaunch, random: () => 0 };
  const decideSignal = () => ({ allowed: true }) as const;
  await assert.rejects(
    TaskHost.open({ ...options, decideSignal, supervisorBinary: '/nope' }),
    /the supervisor \/nope cannot be run/,
  );
  assert.ok(supervisorPath() !== '/nope');
});

async function untilOutput(host: TaskHost, taskId: string, text: string): Promise<void> {
  while (!(await output(host, taskId, LogSource.STDOUT)).includes(text)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function untilDead(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
