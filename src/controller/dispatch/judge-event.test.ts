import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { EventSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type AttemptSchema, TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { refuseEvent } from './judge-event.ts';

type AttemptInit = MessageInitShape<typeof AttemptSchema>;

const task = create(TaskSchema, { id: 'tttttttttt', node: 'n1' });
const { RUNNING, ENDED, WAITING } = TaskState;

function refuse(attempt: AttemptInit | undefined, { node = 'n1', bytes = 100, known = true } = {}) {
  const event = create(EventSchema, { sequence: 1n, taskId: task.id, ...(attempt ? { attempt } : {}) });
  return refuseEvent(event, bytes, node, known ? task : undefined);
}

const cases: [attempt: AttemptInit, reason: string | undefined][] = [
  [{ number: 1, state: RUNNING }, undefined],
  [{ number: 0, state: RUNNING }, 'attempt 0 does not follow attempt 0'],
  [{ number: 2, state: RUNNING }, 'attempt 2 does not follow attempt 0'],
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
];

test('refuseEvent() refuses what no honest agent sends', () => {
  for (const [attempt, reason] of cases) assert.equal(refuse(attempt), reason);
  assert.equal(refuse(undefined), 'it tells of no attempt');
  assert.equal(refuse({ number: 1 }, { node: 'n2' }), 'the task is of node n1');
  assert.equal(refuse({ number: 1 }, { known: false }), 'there is no such task');
  const bytes = limits.eventBytesMax + 1;
  assert.equal(refuse({ number: 1 }, { bytes }), 'it has 65537 bytes, over 65536');
});
