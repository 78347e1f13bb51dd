/** `drover top` over a real connection: once, as JSON, and live at a terminal that the test plays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { FakeClock } from '#base/clock.ts';
import { callCommand } from '#cli/call-command.ts';
import { type FakeApi, startFakeApi } from '#cli/testing/fake-api.ts';
import { FakeTerminal } from '#cli/testing/fake-terminal.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { answerOf, startedAtMs } from '#cli/testing/top-rows.ts';
import {
  type SampleTasksRequest,
  type SignalTasksRequest,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { LogSource, SignalScope } from '#protocol/gen/drover/v1/task_pb.ts';

const problem = { node: 'node9', error: 'the node is not connected' };

/** A cluster that is asked again and again: each second of CPU time more, and what it was asked. */
class BusyCluster {
  readonly requests: SampleTasksRequest[] = [];
  readonly signals: SignalTasksRequest[] = [];
  readonly stops: string[] = [];
  /** Whether it answers as a controller does that goes away. */
  down = false;

  readonly routes = (router: ConnectRouter) => {
    router.service(TaskService, {
      sampleTasks: (request) => {
        if (this.down) throw new ConnectError('going away', Code.Unavailable);
        this.requests.push(request);
        const looks = this.requests.length;
        const uses = { userUs: BigInt(looks * 1_000_000), rssBytes: 1n << 20n, processes: looks };
        return answerOf(
          looks * 2_000,
          [{ id: 'aaaaaaaaaa', node: 'node1', argv: ['busy'], uses }],
          [problem],
        );
      },
      signalTasks: (request) => {
        this.signals.push(request);
        return { results: [{ taskId: 'aaaaaaaaaa', node: 'node1', pid: 7 }] };
      },
      stopTasks: ({ query }) => {
        this.stops.push(...(query?.refs ?? []));
        return { results: [{ taskId: 'aaaaaaaaaa', node: 'node1', error: 'the task has ended' }] };
      },
      async *readLogs({ tailLines }) {
        const data = Buffer.from(`asked for ${tailLines}\nand \u001b[31mred`);
        yield { taskId: 'aaaaaaaaaa', node: 'node1', source: LogSource.STDOUT, data };
        yield { taskId: 'aaaaaaaaaa', node: 'node1', source: LogSource.STDERR, data: Buffer.from('oops\n') };
      },
    });
  };
}

/** Top at a terminal, which the test types at and looks at. */
class Seat implements AsyncDisposable {
  readonly terminal = new FakeTerminal();
  readonly clock = new FakeClock(startedAtMs);
  readonly code: Promise<number>;
  readonly #made;
  readonly #api: FakeApi;

  constructor(api: FakeApi, words: readonly string[], selection?: string) {
    this.#api = api;
    this.#made = createTestContext({
      access: api.access,
      columns: 80,
      clock: this.clock,
      terminal: this.terminal,
      ...(selection === undefined ? {} : { selection }),
    });
    this.code = callCommand(this.#made.context, words);
  }

  static async take(
    cluster: BusyCluster,
    words: readonly string[] = ['top'],
    selection?: string,
  ): Promise<Seat> {
    const seat = new Seat(await startFakeApi(cluster.routes), words, selection);
    await seat.until(() => seat.terminal.isTaken);
    return seat;
  }

  get printed(): string {
    return this.#made.printed.stdout();
  }

  /** The lines of the latest frame. */
  get frame(): string[] {
    return (this.printed.split('\u001b[H').at(-1) ?? '')
      .split('\r\n')
      .map((line) => line.replace('\u001b[2K', '').trimEnd());
  }

  interrupt(): void {
    this.#made.context.interrupts.raise();
  }

  /** Waits for what comes over a real connection; time passes only where the test says so. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.terminal.type('\u0003');
    await this.code;
    this.#made[Symbol.dispose]();
    await this.#api[Symbol.asyncDispose]();
  }
}

test('top shows what runs, in place, and gives the terminal back as it was', async () => {
  const cluster = new BusyCluster();
  await using seat = await Seat.take(cluster);
  assert.equal(seat.frame[2], 'cannot ask node9: the node is not connected');
  assert.match(seat.frame[4] ?? '', /^ {2}aaaaaaaaaa {2}node1 {2}running +- +1\.0 MiB/);
  await seat.clock.advance(500);
  await seat.until(() => seat.frame[4]?.includes('50%') ?? false);
  await seat.clock.advance(2_000);
  await seat.until(() => cluster.requests.length === 3);
  seat.terminal.type('q');
  assert.equal(await seat.code, 0);
  assert.ok(seat.printed.startsWith('\u001b[?1049h\u001b[?25l\u001b[?7l'));
  assert.ok(seat.printed.endsWith('\u001b[?7h\u001b[?25h\u001b[?1049l'));
  assert.equal(seat.terminal.isTaken, false);
});

test('top leaves with 130 at Ctrl-C, however it comes', async () => {
  for (const how of ['key', 'signal']) {
    await using seat = await Seat.take(new BusyCluster());
    if (how === 'key') seat.terminal.type('\u0003');
    else seat.interrupt();
    assert.equal(await seat.code, 130, how);
    assert.ok(seat.printed.endsWith('\u001b[?1049l'), how);
  }
});

test('top sends the signal that is typed to the selected task, and stops it', async () => {
  const cluster = new BusyCluster();
  await using seat = await Seat.take(cluster);
  seat.terminal.type('\u001b[Bkhup group\r');
  await seat.until(() => seat.frame.at(-1) === 'sent SIGHUP to aaaaaaaaaa on node1');
  const [request] = cluster.signals;
  assert.deepEqual(
    [request?.query?.refs, request?.signal, request?.scope],
    [['aaaaaaaaaa'], 'SIGHUP', SignalScope.GROUP],
  );
  seat.terminal.type('sy');
  await seat.until(() => seat.frame.at(-1) === 'aaaaaaaaaa on node1: the task has ended');
  assert.deepEqual(cluster.stops, ['aaaaaaaaaa']);
});

test('top shows the end of the output of the selected task, without control characters', async () => {
  await using seat = await Seat.take(new BusyCluster());
  seat.terminal.type('\u001b[Bl');
  await seat.until(() => seat.frame.includes('oops'));
  assert.deepEqual(seat.frame.slice(4, 7), ['asked for 24', 'oops', 'and red']);
});

test('top goes on with what it knows when the controller goes away, and asks again', async () => {
  const cluster = new BusyCluster();
  await using seat = await Seat.take(cluster);
  const isStale = () => seat.frame.some((line) => line.startsWith('stale for '));
  cluster.down = true;
  await seat.clock.advance(500);
  await seat.until(isStale);
  assert.match(seat.frame[5] ?? '', /^ {2}aaaaaaaaaa /);
  cluster.down = false;
  await seat.clock.advance(2_000);
  await seat.until(() => !isStale());
});

test('top asks for the nodes that the prompt has selected, and for what is named', async () => {
  const cluster = new BusyCluster();
  await using _one = await Seat.take(cluster, ['top'], 'web[1-2]');
  await using _two = await Seat.take(cluster, ['top', 'a'], 'web[1-2]');
  assert.deepEqual(
    cluster.requests.map(({ query }) => [query?.refs, query?.nodes]),
    [
      [[], 'web[1-2]'],
      [['a'], ''],
    ],
  );
});

async function callOnce(cluster: BusyCluster, words: readonly string[], terminal?: FakeTerminal) {
  await using api = await startFakeApi(cluster.routes);
  const clock = new FakeClock(startedAtMs);
  using made = createTestContext({
    access: api.access,
    clock,
    ...(terminal ? { terminal, columns: 80 } : {}),
  });
  const called = callCommand(made.context, words);
  let code: number | undefined;
  void called.then((value) => {
    code = value;
  });
  while (code === undefined) await clock.advance(100);
  return { code, stdout: made.printed.stdout(), stderr: made.printed.stderr() };
}

const table = [
  'TASK        NODE   STATE    CPU%   MEMORY  PROCS  TIME  OUTPUT  COMMAND',
  'aaaaaaaaaa  node1  running   50%  1.0 MiB      2  4.0s     0 B  busy',
  '',
].join('\n');

for (const [what, words, terminal] of [
  ['without a terminal', ['top'], undefined],
  ['with --once', ['top', '--once'], new FakeTerminal()],
  ['with -o table', ['top', '-o', 'table'], new FakeTerminal()],
] as const) {
  test(`top ${what} looks twice, prints a table, and says which nodes it could not ask`, async () => {
    const { code, stdout, stderr } = await callOnce(new BusyCluster(), words, terminal);
    assert.equal(stdout, table);
    assert.equal(stderr, 'drover: node9: the node is not connected\n');
    assert.equal(code, 4);
  });
}

test('top -o json is one answer, -o jsonl --once the same on a line', async () => {
  const { stdout, code } = await callOnce(new BusyCluster(), ['top', '-o', 'json']);
  assert.deepEqual([JSON.parse(stdout).samples[0].userUs, code], ['1000000', 4]);
  const line = (await callOnce(new BusyCluster(), ['top', '-o', 'jsonl', '--once'])).stdout;
  assert.equal(line.split('\n').length, 2);
  assert.deepEqual(JSON.parse(line), JSON.parse(stdout));
});

test('top -o jsonl prints a line for each look, over a controller that goes away', async () => {
  const cluster = new BusyCluster();
  await using api = await startFakeApi(cluster.routes);
  const clock = new FakeClock(startedAtMs);
  using made = createTestContext({ access: api.access, clock });
  const code = callCommand(made.context, ['top', '-o', 'jsonl']);
  const until = async (condition: () => boolean) => {
    while (!condition()) await clock.advance(100);
  };
  const lines = () => made.printed.stdout().split('\n').length - 1;
  await until(() => lines() === 2);
  cluster.down = true;
  await until(() => made.printed.stderr() !== '');
  cluster.down = false;
  await until(() => lines() === 3);
  assert.match(
    made.printed.stderr(),
    /^drover: lost the controller at 127\.0\.0\.1:\d+; asking again\ndrover: the controller is back\n$/,
  );
  made.context.interrupts.raise();
  assert.equal(await code, 130);
});

test('top refuses to ask more often than makes sense', async () => {
  const { code, stderr } = await callOnce(new BusyCluster(), ['top', '--interval', '10ms']);
  assert.deepEqual(
    [code, stderr],
    [2, 'drover: --interval takes at least 200ms, since every node is asked each time, not "10ms"\n'],
  );
});
