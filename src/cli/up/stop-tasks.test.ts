import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { makeTask, startFakeApi } from '#cli/testing/fake-api.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { signaled } from '#core/outcome.ts';
import {
  ClusterService,
  FollowTasksResponseSchema,
  type StopTasksRequest,
  TaskService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { stopTasks } from './stop-tasks.ts';

/** A cluster of these tasks that stops what it is told to stop; what `up` asked of it, and said. */
async function leave(tasks: readonly Task[], keep: boolean) {
  const asked: (StopTasksRequest | 'shutdown')[] = [];
  const notices: string[] = [];
  const stopped = new Set<string>();
  await using api = await startFakeApi((router) => {
    router.service(TaskService, {
      listTasks: ({ query }) => ({
        tasks: tasks.filter(({ id, node }) => !stopped.has(id) && (!query?.nodes || node.startsWith('node'))),
      }),
      stopTasks(request) {
        asked.push(request);
        const ours = tasks.filter(({ node }) => node.startsWith('node'));
        return { results: ours.map(({ id, node }) => ({ taskId: id, node })) };
      },
      async *followTasks({ query }) {
        const refs = query?.refs ?? [];
        yield create(FollowTasksResponseSchema, { kind: { case: 'selected', value: refs.length } });
        for (const id of refs) {
          stopped.add(id);
          const value = makeTask(id, 'node1', {
            state: TaskState.ENDED,
            outcome: signaled('SIGTERM', false),
          });
          yield create(FollowTasksResponseSchema, { kind: { case: 'task', value } });
        }
      },
    });
    router.service(ClusterService, {
      shutdown({ stopTasks: all }) {
        assert.equal(all, false);
        asked.push('shutdown');
        return {};
      },
    });
  });
  using made = createTestContext({ access: api.access });
  const abort = new AbortController().signal;
  const nodes = ['node1', 'node2'];
  const notify = (text: string) => void notices.push(text);
  await stopTasks(await made.context.connect(), { nodes, keep, clock: systemClock, notify, abort });
  return { asked, notices };
}

const here = [makeTask('aaaaaaaaaa', 'node1'), makeTask('bbbbbbbbbb', 'node2')];
const elsewhere = [makeTask('cccccccccc', 'web1'), makeTask('dddddddddd', 'web2')];

test('stopTasks() stops the tasks of its own nodes only, and mentions the others', async () => {
  const { asked, notices } = await leave([...here, ...elsewhere], false);
  const [stop, shutdown] = asked;
  assert.ok(stop !== undefined && stop !== 'shutdown');
  assert.deepEqual([stop.query?.nodes, stop.shutdown], ['node[1-2]', true]);
  assert.equal(shutdown, 'shutdown');
  assert.deepEqual(notices, ['stopping 2 tasks …', '2 tasks on web[1-2] go on']);
});

test('stopTasks() asks for nothing where nothing of its own runs', async () => {
  const { asked, notices } = await leave(elsewhere.slice(0, 1), false);
  assert.deepEqual(asked, ['shutdown']);
  assert.deepEqual(notices, ['1 task on web1 goes on']);
});

test('stopTasks() with keep stops nothing', async () => {
  const { asked, notices } = await leave(here, true);
  assert.deepEqual(asked, []);
  assert.deepEqual(notices, ['leaving 2 tasks running: drover up finds them again']);
});
