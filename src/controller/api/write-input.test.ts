import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, type ConnectError } from '@connectrpc/connect';
import { type InputSupply, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { RunService, TaskService, type WriteInputRequestSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { StdinMode } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ApiFixture, ended, running } from './testing/api-fixture.ts';
import { collect } from './testing/collect.ts';

const run = '01979c5e-7d0c-7000-8000-00000000000a';

type Request = MessageInitShape<typeof WriteInputRequestSchema>;
type Kind = NonNullable<Request['kind']>;

async function start(nodes: string, spec: object = { stdin: StdinMode.STREAM }) {
  const api = await ApiFixture.start();
  await api.addNodes('web1', 'web2');
  const { tasks } = await api
    .client(RunService)
    .createRun({ id: run, nodes, spec: { argv: ['cat'], ...spec } });
  for (const [i, task] of tasks.entries()) await api.changeTask(task.id, running(100 + i));
  return Object.assign(api, { ids: tasks.map((task) => task.id) });
}

/** A task that takes everything: what it got, at last. */
function taker(from = 0n, most = Number.POSITIVE_INFINITY) {
  const got: Buffer[] = [];
  const seen: string[] = [];
  const take = async (supply: InputSupply, abort: AbortSignal) => {
    let taken = from;
    supply.begin(taken);
    for (let kind = await supply.next(abort); kind; kind = await supply.next(abort)) {
      seen.push(kind.case ?? '');
      if (kind.case === 'endAt' || kind.case === 'detach') return;
      if (kind.case !== 'data') continue;
      const data = Buffer.from(kind.value.data ?? []);
      got.push(data);
      taken += BigInt(data.length);
      supply.advance(taken);
      if (taken >= most) return;
    }
    seen.push('left');
  };
  return { take, seen, text: () => Buffer.concat(got).toString() };
}

const target = (value: object): Kind => ({ case: 'target', value });
const data = (text: string): Kind => ({ case: 'data', value: Buffer.from(text) });
const end: Kind = { case: 'end', value: true };

async function* requests(...kinds: Kind[]): AsyncGenerator<Request> {
  for (const kind of kinds) yield { kind };
}

it('WriteInput gives the same to every task, and says up to where all have taken it', async () => {
  await using api = await start('web[1-2]');
  const takers = api.ids.map((id) => {
    const made = taker();
    api.parts.dispatch.inputs.set(id, made.take);
    return made;
  });
  const pieces = Array.from({ length: 12 }, (_, i) =>
    String.fromCharCode(97 + i).repeat(limits.inputChunkBytesMax),
  );
  const answers = await collect(
    api.client(TaskService).writeInput(requests(target({ query: { runId: run } }), ...pieces.map(data), end)),
  );
  for (const { text, seen } of takers) {
    assert.equal(text() === pieces.join(''), true);
    assert.equal(seen.at(-1), 'endAt');
  }
  assert.equal(answers[0]?.taken, 0n);
  assert.equal(answers.at(-1)?.taken, BigInt(pieces.join('').length));
  assert.deepEqual(
    answers.flatMap(({ refused }) => refused),
    [],
  );
  const [row] = (await api.parts.store.read.listAudit(0, 100)).filter(({ request }) =>
    request.includes('WriteInput'),
  );
  assert.deepEqual([row?.who, row?.verb, row?.targets], ['admin', 'task.launch', api.ids.join(',')]);
});

it('WriteInput goes on with the others when a task takes no more, and says which', async () => {
  await using api = await start('web[1-2]');
  const [first = '', second = ''] = api.ids;
  const whole = taker();
  api.parts.dispatch.inputs.set(first, whole.take);
  api.parts.dispatch.inputs.set(second, () => Promise.reject(new NodeRefusedError('it has lost its input')));
  const answers = await collect(
    api.client(TaskService).writeInput(requests(target({ query: { runId: run } }), data('abc'), end)),
  );
  assert.equal(whole.text(), 'abc');
  const refused = answers.flatMap((answer) => answer.refused);
  assert.deepEqual(
    refused.map(({ taskId, node, reason }) => [taskId, node, reason]),
    [[second, 'web2', 'it has lost its input']],
  );
  assert.equal(answers.at(-1)?.taken, 3n);
});

it('WriteInput waits for a start, and ends when the task has', async () => {
  await using api = await start('web1');
  const [id = ''] = api.ids;
  api.parts.dispatch.inputs.set(
    id,
    (supply, abort) =>
      new Promise((_, reject) => {
        supply.begin(0n);
        abort.addEventListener('abort', () => reject(abort.reason));
        void api.changeTask(id, ended(0));
      }),
  );
  const never = Promise.withResolvers<void>();
  const endless = async function* (): AsyncGenerator<Request> {
    yield { kind: target({ query: { refs: [id] } }) };
    await never.promise;
  };
  const answers = await collect(api.client(TaskService).writeInput(endless()));
  never.resolve();
  assert.deepEqual(
    answers.flatMap(({ refused }) => refused.map(({ reason }) => reason)),
    [''],
  );
  const after = await collect(
    api.client(TaskService).writeInput(requests(target({ query: { refs: [id] } }), end)),
  );
  assert.deepEqual(
    after.map(({ taken }) => taken),
    [0n],
  );
  assert.equal(api.parts.dispatch.listeners, 0);
});

it('WriteInput to a terminal: from where it is, with its size, and the person leaves it or wants it to stay', async () => {
  await using api = await start('web1', { terminal: {} });
  const [id = ''] = api.ids;
  for (const [last, seen] of [
    [[{ case: 'detach', value: true }], 'detach'],
    [[], 'left'],
  ] as [Kind[], string][]) {
    const made = taker(7n);
    api.parts.dispatch.inputs.set(id, made.take);
    const resize: Kind = { case: 'resize', value: { rows: 50, columns: 132 } };
    const answers = await collect(
      api
        .client(TaskService)
        .writeInput(
          requests(target({ query: { refs: [id] }, fromHere: true }), resize, data('ls\n'), ...last),
        ),
    );
    assert.deepEqual([answers[0]?.taken, answers.at(-1)?.taken], [7n, 10n]);
    assert.equal(made.text(), 'ls\n');
    assert.deepEqual([made.seen.includes('resize'), made.seen.at(-1)], [true, seen]);
  }
  const rows = (await api.parts.store.read.listAudit(0, 100)).filter(({ request }) =>
    request.includes('WriteInput'),
  );
  assert.deepEqual(
    rows.map(({ verb }) => verb),
    ['shell.open', 'shell.open'],
  );
});

it('WriteInput refuses what makes no sense', async () => {
  await using api = await start('web[1-2]');
  const endless = (_: InputSupply, abort: AbortSignal) =>
    new Promise<void>((_resolve, reject) => abort.addEventListener('abort', () => reject(abort.reason)));
  for (const id of api.ids) api.parts.dispatch.inputs.set(id, endless);
  const all = target({ query: { runId: run } });
  const cases: [string, Kind[]][] = [
    ['the first message names no tasks to give input to', [data('x')]],
    ['no tasks are named to give input to', [target({})]],
    ['input goes on where it is only for one task', [target({ query: { runId: run }, fromHere: true })]],
    ['65537 bytes of input at once are too much', [all, data('x'.repeat(65_537))]],
    ['input came behind its end', [all, end, data('x')]],
    ['no terminal has 0 rows of 5 columns', [all, { case: 'resize', value: { rows: 0, columns: 5 } }]],
    ['a message after the first names tasks', [all, all]],
  ];
  for (const [message, kinds] of cases) {
    await assert.rejects(
      collect(api.client(TaskService).writeInput(requests(...kinds))),
      (error: ConnectError) => {
        assert.equal(error.code, Code.InvalidArgument);
        assert.match(error.rawMessage, new RegExp(`^${message}`));
        return true;
      },
    );
  }
});
