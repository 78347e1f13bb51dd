import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { makeTask, startFakeApi } from '#cli/testing/fake-api.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { exited } from '#core/outcome.ts';
import { NodeService, RunService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { interrupt, type Lines, StreamLines, TerminalLines } from './lines.ts';
import { runPrompt } from './prompt.ts';

const forever = new AbortController().signal;

/** Lines that a test has written, and the prompts that were shown for them. */
function scripted(script: readonly (string | typeof interrupt)[], interactive = true) {
  const prompts: string[] = [];
  const notices: string[] = [];
  const left = [...script];
  const lines: Lines = {
    interactive,
    async next(prompt) {
      prompts.push(prompt);
      return left.shift();
    },
    notice: (text) => void notices.push(text),
    [Symbol.dispose]() {},
  };
  return { lines, prompts, notices, left };
}

test('the prompt selects nodes, runs other words on them, and shows them', async () => {
  const targets: string[] = [];
  await using api = await startFakeApi((router) => {
    router.service(NodeService, {
      listNodes: ({ nodes }) => ({ nodes: nodes === 'none*' ? [] : [{ name: 'web1' }] }),
    });
    router.service(RunService, {
      createRun({ id, nodes }) {
        targets.push(nodes);
        return { run: { id }, tasks: [] };
      },
    });
    router.service(TaskService, {
      async *followTasks() {
        const value = makeTask('aaaaaaaaaa', 'web1', { state: TaskState.ENDED, outcome: exited(0) });
        yield { kind: { case: 'task', value } };
      },
    });
  });
  using made = createTestContext({ access: api.access });
  const { lines, prompts } = scripted([
    'uptime',
    '@web[1-2]',
    'uptime',
    '@none*',
    '@role=web',
    'exit',
    'never',
  ]);
  assert.equal(await runPrompt(made.context, lines, { leave: forever }), 0);
  assert.deepEqual(targets, ['@all', 'web[1-2]']);
  assert.deepEqual(prompts, [
    'drover @all> ',
    'drover @all> ',
    'drover @web[1-2]> ',
    'drover @web[1-2]> ',
    'drover @web[1-2]> ',
    'drover @role=web> ',
  ]);
});

test('the prompt gives the code of the last failing line where nobody types', async () => {
  for (const interactive of [false, true]) {
    using made = createTestContext();
    const { lines } = scripted(["'unfinished", 'logs', 'help', ''], interactive);
    assert.equal(await runPrompt(made.context, lines, { leave: forever }), interactive ? 0 : 2);
    assert.match(
      made.printed.stderr(),
      /^drover: the line ends inside single quotes\ndrover logs: which tasks/,
    );
  }
});

test('the prompt leaves at the second Ctrl-C in a row where it has a hint, and never without', async () => {
  using made = createTestContext();
  const hinted = scripted([interrupt, '', interrupt, interrupt, 'never']);
  await runPrompt(made.context, hinted.lines, { leave: forever, leaveHint: 'hint' });
  assert.deepEqual([hinted.notices, hinted.left], [['hint', 'hint'], ['never']]);
  const stubborn = scripted([interrupt, interrupt, interrupt]);
  await runPrompt(made.context, stubborn.lines, { leave: forever });
  assert.deepEqual(stubborn.left, []);
});

test('the prompt ends when it is told to, while it waits for a line', async () => {
  using made = createTestContext();
  const leave = new AbortController();
  const { lines } = scripted([]);
  const waiting: Lines = { ...lines, next: () => new Promise(() => leave.abort()), [Symbol.dispose]() {} };
  assert.equal(await runPrompt(made.context, waiting, { leave: leave.signal }), 0);
});

test('StreamLines gives every line, the last one without its end too', async () => {
  using lines = new StreamLines(
    Readable.from([Buffer.from('a\nb\r'), Buffer.from('\n\nc')]),
    new PassThrough(),
  );
  const read: (string | undefined)[] = [];
  for (let i = 0; i < 5; i++) read.push(await lines.next());
  assert.deepEqual(read, ['a', 'b', '', 'c', undefined]);
});

test('TerminalLines keeps pasted lines for the next calls, and the unfinished one for the editor', async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  using lines = new TerminalLines(input, output);
  const first = lines.next('> ');
  input.write('one\rtwo\rthr');
  assert.equal(await first, 'one');
  assert.equal(await lines.next('> '), 'two');
  const third = lines.next('> ');
  input.write('ee\r');
  assert.equal(await third, 'three');
});

test('TerminalLines clears a line at Ctrl-C, and tells of it on an empty one', async () => {
  const input = new PassThrough();
  using lines = new TerminalLines(input, new PassThrough().resume());
  const next = lines.next('> ');
  input.write('typed\u0003\u0003');
  assert.equal(await next, interrupt);
});
