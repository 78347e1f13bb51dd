import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { EventSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import {
  type AttemptSchema,
  Cause,
  RestartMode,
  type RestartPolicySchema,
  TaskSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { refuseEvent } from './judge-event.ts';

type AttemptInit = MessageInitShape<typeof AttemptSchema>;
type RestartInit = MessageInitShape<typeof RestartPolicySchema>;

const { RUNNING, ENDED, WAITING } = TaskState;
const exited = { kind: { case: 'exited', value: { code: 1 } } } as const;
const restartAt = { seconds: 1n };

function refuse(
  attempt: AttemptInit | undefined,
  { node = 'n1', bytes = 100, known = true, restart = {} as RestartInit } = {},
) {
  const task = create(TaskSchema, { id: 'tttttttttt', node: 'n1', spec: { restart } });
  const event = create(EventSchema, { sequence: 1n, taskId: 'tttttttttt', ...(attempt ? { attempt } : {}) });
  return refuseEvent(event, bytes, node, known ? task : undefined);
}

const cases: [attempt: AttemptInit, reason: string | undefined][] = [
  [{ number: 1, state: RUNNING }, undefined],
  [{ number: 0, state: RUNNING }, 'there is no attempt 0 of at most 1'],
  [{ number: 2, state: RUNNING }, 'there is no attempt 2 of at most 1'],
  [{ number: 1, state: WAITING }, 'an attempt cannot be in state 5'],
  [{ number: 1, state: 99 as TaskState }, 'an attempt cannot be in state 99'],
  [{ number: 1, state: ENDED }, 'the attempt ended without an outcome'],
  [
    { number: 1, state: ENDED, outcome: { kind: { case: 'unreachable', value: {} } } },
    'an attempt cannot end unreachable',
  ],
  [{ number: 1, state: ENDED, outcome: {} }, 'an attempt cannot end in an unknown way'],
  [
    { number: 1, state: ENDED, outcome: { kind: { case: 'exited', value: { code: 256 } } } },
    'there is no exit code 256',
  ],
  [{ number: 1, state: ENDED, outcome: { kind: { case: 'exited', value: { code: 255 } } } }, undefined],
  [{ number: 1, state: RUNNING, stateAt: { seconds: 1n << 60n } }, 'a time in it is out of range'],
  [{ number: 1, state: RUNNING, startedAt: { nanos: -1 } }, 'a time in it is out of range'],
  [{ number: 1, state: RUNNING, leftovers: Array(65).fill({}) }, 'it lists 65 leftovers'],
  [{ number: 1, state: RUNNING, survivors: Array(65).fill({}) }, 'it lists 65 survivors'],
  [
    { number: 1, state: ENDED, outcome: exited, restartAt },
    'attempt 1 of at most 1 is not followed by another',
  ],
];

test('refuseEvent() refuses what no honest agent sends', () => {
  for (const [attempt, reason] of cases) assert.equal(refuse(attempt), reason);
  assert.equal(refuse(undefined), 'it tells of no attempt');
  assert.equal(refuse({ number: 1 }, { node: 'n2' }), 'the task is of node n1');
  assert.equal(refuse({ number: 1 }, { known: false }), 'there is no such task');
  const bytes = limits.eventBytesMax + 1;
  assert.equal(refuse({ number: 1 }, { bytes }), 'it has 65537 bytes, over 65536');
});

test('refuseEvent() takes as many attempts as the restart policy allows, with gaps between their numbers', () => {
  const { ON_FAILURE, ALWAYS } = RestartMode;
  const ended = { state: ENDED, outcome: exited };
  const rows: [restart: RestartInit, attempt: AttemptInit, reason: string | undefined][] = [
    [{ mode: ON_FAILURE, max: 3 }, { ...ended, number: 4 }, undefined],
    [{ mode: ON_FAILURE, max: 3 }, { ...ended, number: 5 }, 'there is no attempt 5 of at most 4'],
    [{ mode: ON_FAILURE, max: 3 }, { ...ended, number: 3, restartAt }, undefined],
    [
      { mode: ON_FAILURE, max: 3 },
      { ...ended, number: 4, restartAt },
      'attempt 4 of at most 4 is not followed by another',
    ],
    [{ mode: ALWAYS }, { ...ended, number: 4_000_000, restartAt }, undefined],
    [{ mode: ALWAYS }, { ...ended, number: 2, restartCalledOff: Cause.OPERATOR }, undefined],
    [
      { mode: ALWAYS },
      { ...ended, number: 2, restartAt, restartCalledOff: Cause.OPERATOR },
      'its restart is called off and to come',
    ],
    [
      { mode: ALWAYS },
      { number: 2, state: RUNNING, restartAt },
      'it tells of a restart before the attempt has ended',
    ],
    [{ mode: ALWAYS }, { ...ended, number: 2, restartAt: { nanos: -1 } }, 'a time in it is out of range'],
  ];
  for (const [restart, attempt, reason] of rows) assert.equal(refuse(attempt, { restart }), reason);
});
