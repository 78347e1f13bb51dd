import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { EventSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { checkHistory, footprintMax, type History } from './check-history.ts';

const { RUNNING, ENDED } = TaskState;
const command = { argv: ['x'], code: 3, stdout: 'one\ntwo\n' };
const exited = { kind: { case: 'exited', value: { code: 3 } } } as const;

type TaskInit = MessageInitShape<typeof TaskSchema>;

function task(init: TaskInit) {
  return create(TaskSchema, {
    id: 'a',
    attempts: [{ number: 1, state: init.state ?? ENDED, pid: 7 }],
    ...init,
  });
}

function event(sequence: bigint, state: TaskState) {
  return create(EventSchema, { sequence, taskId: 'a', attempt: { number: 1, state } });
}

const ended = task({ state: ENDED, outcome: exited });

const orderly: History = {
  launched: new Map([['a', command]]),
  starts: ['a.1'],
  told: new Map([['a', [task({ state: RUNNING }), ended]]]),
  recorded: new Map([['node1', [event(1n, RUNNING), event(5n, ENDED)]]]),
  final: new Map([['a', ended]]),
  printed: new Map([['a', { bytes: Buffer.from('one\ntwo\n'), gone: 0 }]]),
  audit: ['task.launch allowed run1'],
  commands: ['run1'],
  left: [],
  daemons: [{ title: 'the agent', residentBytes: 1, descriptors: 1 }],
};

function withEnd(outcome: TaskInit['outcome']): Partial<History> {
  return { final: new Map([['a', task({ state: ENDED, outcome })]]) };
}

function withOutput(text: string, gone = 0): Partial<History> {
  return { printed: new Map([['a', { bytes: Buffer.from(text), gone }]]) };
}

const unknown = { kind: { case: 'unknown', value: { reason: 'monitor lost' } } } as const;
const notStarted = { kind: { case: 'notStarted', value: { reason: 'fork: no' } } } as const;
const signaled = { kind: { case: 'signaled', value: { signal: 'SIGKILL' } } } as const;

test('checkHistory() finds nothing in an orderly history', () => {
  assert.deepEqual(checkHistory(orderly), []);
});

test('checkHistory() takes bytes that are said to be gone for accounted for', () => {
  assert.deepEqual(checkHistory({ ...orderly, ...withOutput('two\n', 4) }), []);
});

const allowed = { unknown: /lost/, notStarted: /fork/, signals: ['SIGKILL'] };

test('checkHistory() takes the ends that a fault may bring about', () => {
  const early = withOutput('one\n');
  assert.deepEqual(checkHistory({ ...orderly, ...early, ...withEnd(unknown) }, allowed), []);
  assert.deepEqual(checkHistory({ ...orderly, ...early, ...withEnd(signaled) }, allowed), []);
  assert.deepEqual(checkHistory({ ...orderly, ...withEnd(notStarted), starts: [] }, allowed), []);
});

for (const [what, change, problem] of [
  ['a second start', { starts: ['a.1', 'a.1'] }, /^a\.1 was started twice$/],
  ['a start that nobody asked for', { starts: ['a.1', 'b.1'] }, /^b\.1 was started, and nobody/],
  ['a wrong code', withEnd({ kind: { case: 'exited', value: { code: 0 } } }), /exited with 0, not 3/],
  ['an exit of what never ran', { starts: [] }, /exited, and was never started/],
  ['a task that nobody knows', { final: new Map() }, /acknowledged, and nobody knows it/],
  ['a task without end', { final: new Map([['a', task({ state: RUNNING })]]) }, /has not ended/],
  ['an unknown end', withEnd(unknown), /is unknown: monitor lost/],
  ['a signal that nobody sent', withEnd(signaled), /was ended by SIGKILL/],
  ['a refused start', { ...withEnd(notStarted), starts: [] }, /did not start: fork: no/],
  ['a start that is denied', withEnd(notStarted), /was started, and is said not to be/],
  [
    'an end that is taken back',
    { told: new Map([['a', [ended, task({ state: RUNNING })]]]) },
    /went back|and then not/,
  ],
  [
    'an event that goes back',
    { recorded: new Map([['n', [event(1n, ENDED), event(2n, RUNNING)]]]) },
    /n: a\.1 went back/,
  ],
  [
    'two events of one number',
    { recorded: new Map([['n', [event(1n, RUNNING), event(1n, ENDED)]]]) },
    /out of order/,
  ],
  ['output that is missing', withOutput('one\n'), /8 bytes, of which 4 are accounted for/],
  ['output that is wrong', withOutput('one\nTWO\n'), /printed something else/],
  ['output that is twice there', withOutput('one\ntwo\none\n'), /8 bytes, of which 12/],
  ['a command without its row', { audit: [] }, /no audit row names run1/],
  ['a process that is left', { left: ['7 sleep'] }, /^left behind: 7 sleep$/],
  [
    'a daemon that grew',
    { daemons: [{ title: 'x', residentBytes: footprintMax.residentBytes + 1, descriptors: 1 }] },
    /x holds/,
  ],
] as const satisfies readonly (readonly [string, Partial<History>, RegExp])[]) {
  test(`checkHistory() finds ${what}`, () => {
    const problems = checkHistory({ ...orderly, ...change });
    assert.match(problems.join('\n'), problem);
  });
}
