import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ClusterEventSchema } from '#protocol/gen/drover/v1/event_pb.ts';
import { EventSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { checkBacklog } from './check-backlog.ts';

const end = (taskId: string, sequence: number) =>
  create(EventSchema, { sequence: BigInt(sequence), taskId, attempt: { state: TaskState.ENDED } });
const told = (taskId: string) => create(ClusterEventSchema, { kind: 'task.ended', node: 'n', taskId });
const journal = new Map([['n/j', [end('a', 1), end('b', 3), end('c', 4)]]]);

test('checkBacklog() takes ends in their order, and finds a gap, a duplicate and another order', () => {
  const check = (...ids: string[]) => checkBacklog(journal, ids.map(told));
  assert.deepEqual(check('a', 'b', 'c'), []);
  assert.deepEqual(check('a', 'c'), ['n: end 2 is of b, and arrived as c']);
  assert.deepEqual(check('a', 'a', 'b', 'c'), ['n: end 2 is of b, and arrived as a']);
  assert.deepEqual(check('b', 'a', 'c'), ['n: end 1 is of a, and arrived as b']);
  assert.deepEqual(check('a', 'b', 'c', 'c'), ['n: 4 ends arrived of 3']);
});
