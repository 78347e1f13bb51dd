/** What a store must do with tasks, but for their pages. */
import assert from 'node:assert/strict';
import { clone, create, equals, type MessageShape, toJson } from '@bufbuild/protobuf';
import type { Store } from '#controller/store/store.ts';
import { exited } from '#core/outcome.ts';
import { activeStates } from '#core/task-state.ts';
import {
  AttemptSchema,
  Cause,
  Freshness,
  OutcomeSchema,
  type Task,
  TaskSchema,
  TaskSpecSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { filled } from './filled.ts';
import type { StoreTest } from './fixture.ts';
import { pendingTask, recordRun, rejectsWith, runRecord } from './records.ts';

/** Declares the tests. */
export function tasksContract(test: StoreTest): void {
  messagesContract(test);
  changesContract(test);
  selectionContract(test);
  lookupsContract(test);
}

function messagesContract(test: StoreTest): void {
  test('insertTasks() keeps every field of the message, whatever the outcome', async (store) => {
    const outcomes = OutcomeSchema.oneofs[0]?.fields.length ?? 0;
    const tasks = Array.from({ length: outcomes }, (_, i) => filledTask(`full${i}`, i));
    await recordRun(store, runRecord('r1'), tasks);
    const found = await store.read.getTasks(tasks.map((task) => task.id));
    for (const task of tasks) {
      const same = found.find(({ id }) => id === task.id);
      assert.ok(same);
      assert.deepEqual(toJson(TaskSchema, same), toJson(TaskSchema, task));
      assert.ok(equals(TaskSchema, same, task));
    }
  });

  test('insertTasks() keeps a spec that is not the one of its run', async (store) => {
    const own = pendingTask('own', 'r1', 'web1', { spec: create(TaskSpecSchema, { argv: ['false'] }) });
    const shared = pendingTask('shared', 'r1', 'web1');
    await recordRun(store, runRecord('r1'), [own, shared]);
    assert.deepEqual(await specOf(store, 'own'), ['false']);
    assert.deepEqual(await specOf(store, 'shared'), ['true']);
  });

  test('insertTasks() refuses an id that is taken, and a run that is not recorded', async (store) => {
    await recordRun(store, runRecord('r1'), [pendingTask('a', 'r1', 'web1')]);
    const again = store.transact((w) => w.insertTasks(['b', 'a'].map((id) => pendingTask(id, 'r1', 'web1'))));
    await rejectsWith(again, 'duplicate');
    await rejectsWith(
      store.transact((writer) => writer.insertTasks([pendingTask('c', 'another', 'web1')])),
      'failed',
    );
    assert.deepEqual(await store.read.taskIdsByPrefix('', 10), ['a']);
  });
}

function changesContract(test: StoreTest): void {
  test('updateTasks() replaces what may change, and nothing else', async (store) => {
    await recordRun(store, runRecord('r1'), [pendingTask('a', 'r1', 'web1'), pendingTask('b', 'r1', 'web1')]);
    const changed = filledTask('a', 1);
    changed.node = 'elsewhere';
    changed.spec = undefined;
    await store.transact((writer) => writer.updateTasks([changed]));
    const expected = clone(TaskSchema, changed);
    expected.node = 'web1';
    expected.spec = pendingTask('a', 'r1', 'web1').spec;
    const [a] = await store.read.getTasks(['a']);
    const [b] = await store.read.getTasks(['b']);
    assert.deepEqual(a && toJson(TaskSchema, a), toJson(TaskSchema, expected));
    assert.deepEqual(b, pendingTask('b', 'r1', 'web1'));
  });

  test('updateTasks() keeps each task apart, and any text', async (store) => {
    const ids = ['a', '7', '__proto__', 'c'];
    await recordRun(
      store,
      runRecord('r1'),
      ids.map((id) => pendingTask(id, 'r1', 'web1')),
    );
    const texts = ['', 'with "quotes" \\ and \u0000 \n \u{1f980}', "it's {}", '[1]'];
    const changed = ids.map((id, i) => pendingTask(id, 'r1', 'web1', { reason: texts[i] ?? '' }));
    await store.transact((writer) => writer.updateTasks(changed));
    const found = await store.read.getTasks(ids);
    assert.deepEqual(
      new Map(found.map(({ id, reason }) => [id, reason])),
      new Map(changed.map(({ id, reason }) => [id, reason])),
    );
  });

  test('updateTasks() is all or nothing when one is not recorded', async (store) => {
    await recordRun(store, runRecord('r1'), [pendingTask('a', 'r1', 'web1')]);
    const running = ['a', 'ghost'].map((id) => pendingTask(id, 'r1', 'web1', { state: TaskState.RUNNING }));
    await rejectsWith(
      store.transact((writer) => writer.updateTasks(running)),
      'failed',
    );
    assert.deepEqual(await store.read.getTasks(['a']), [pendingTask('a', 'r1', 'web1')]);
  });

  test('countActiveTasks() counts those that have not ended, by node', async (store) => {
    const tasks = ['a', 'b', 'c', 'd'].map((id) => pendingTask(id, 'r1', id === 'c' ? 'web2' : 'web1'));
    await recordRun(store, runRecord('r1'), tasks);
    const over = pendingTask('a', 'r1', 'web1', { state: TaskState.ENDED, outcome: exited(0) });
    await store.transact((writer) => writer.updateTasks([over, { ...over, id: 'c' }]));
    assert.deepEqual(await store.read.countActiveTasks(), new Map([['web1', 2]]));
  });
}

function selectionContract(test: StoreTest): void {
  test('selectTasks() joins its conditions, and empty ones match nothing', async (store) => {
    const states = [TaskState.PENDING, TaskState.RUNNING, TaskState.ENDED];
    for (const run of ['r1', 'r2']) {
      const tasks = ['web1', 'web2'].flatMap((node) =>
        states.map((state) => pendingTask(`${run}${node}${state}`, run, node, { state })),
      );
      await recordRun(store, runRecord(run), tasks);
    }
    const select = async (filter: Parameters<Store['read']['selectTasks']>[0]) =>
      (await store.read.selectTasks(filter)).map((task) => task.id).sort();
    assert.equal((await select({})).length, 12);
    assert.deepEqual(await select({ ids: ['r1web11', 'r2web26', "' or 1=1", 'ghost'] }), [
      'r1web11',
      'r2web26',
    ]);
    assert.deepEqual(await select({ runIds: ['r1'], nodes: ['web1'] }), ['r1web11', 'r1web13', 'r1web16']);
    assert.equal((await select({ states: activeStates })).length, 8);
    assert.deepEqual(await select({ states: [TaskState.ENDED], nodes: ['web2', 'web3'] }), [
      'r1web26',
      'r2web26',
    ]);
    assert.deepEqual(await select({ ids: ['r1web11'], runIds: ['r2'] }), []);
    for (const nothing of [{ ids: [] }, { runIds: [] }, { nodes: [] }, { states: [] }]) {
      assert.deepEqual(await select(nothing), [], JSON.stringify(nothing));
    }
  });

  test('getTasks() and selectTasks() take any number of ids', async (store) => {
    const ids = Array.from({ length: 40_000 }, (_, i) => `t${i}`);
    await recordRun(store, runRecord('r1'), [
      pendingTask('t7', 'r1', 'web1'),
      pendingTask('t39999', 'r1', 'web1'),
    ]);
    const found = await store.read.selectTasks({ ids, nodes: ids.concat('web1') });
    assert.deepEqual(found.map((task) => task.id).sort(), ['t39999', 't7']);
    assert.equal((await store.read.getTasks(['t7', 't7'])).length, 1);
    assert.deepEqual(await store.read.getTasks([]), []);
    await rejectsWith(store.read.getTasks(['t7', 't8']), 'failed');
  });
}

function lookupsContract(test: StoreTest): void {
  test('taskIdsByPrefix() takes the prefix literally and keeps to the limit', async (store) => {
    const ids = ['ab1', 'ab2', 'a%b', 'a_b', 'b', 'Ab3'];
    await recordRun(
      store,
      runRecord('r1'),
      ids.map((id) => pendingTask(id, 'r1', 'web1')),
    );
    assert.deepEqual(await store.read.taskIdsByPrefix('ab', 10), ['ab1', 'ab2']);
    assert.deepEqual(await store.read.taskIdsByPrefix('ab', 1), ['ab1']);
    assert.deepEqual(await store.read.taskIdsByPrefix('a%', 10), ['a%b']);
    assert.deepEqual(await store.read.taskIdsByPrefix('a_', 10), ['a_b']);
    assert.deepEqual(await store.read.taskIdsByPrefix("a'", 10), []);
  });

  test('tasksByPid() finds active tasks by the leader of their latest attempt', async (store) => {
    const attempts = (...pids: number[]) =>
      pids.map((pid, i) => create(AttemptSchema, { number: i + 1, pid, state: TaskState.RUNNING }));
    const running = { state: TaskState.RUNNING };
    await recordRun(store, runRecord('r1'), [
      pendingTask('a', 'r1', 'web1', { ...running, attempts: attempts(41) }),
      pendingTask('b', 'r1', 'web2', { ...running, attempts: attempts(40, 41) }),
      pendingTask('c', 'r1', 'web3', { ...running, attempts: attempts(41, 42) }),
      pendingTask('d', 'r1', 'web4', { state: TaskState.ENDED, attempts: attempts(41) }),
      pendingTask('e', 'r1', 'web5', { ...running, attempts: attempts(0) }),
      pendingTask('f', 'r1', 'web6', { state: TaskState.WAITING, attempts: attempts(41) }),
    ]);
    const byPid = async (pid: number) => (await store.read.tasksByPid(pid)).map((task) => task.id).sort();
    assert.deepEqual(await byPid(41), ['a', 'b']);
    assert.deepEqual(await byPid(0), []);
    const over = pendingTask('a', 'r1', 'web1', { state: TaskState.ENDED, attempts: attempts(41) });
    await store.transact((writer) => writer.updateTasks([over]));
    assert.deepEqual(await byPid(41), ['b']);
  });
}

/** A task of run r1 on web1 with every field that is stored. */
function filledTask(id: string, choice: number): Task {
  const task = filled(TaskSchema, choice) as MessageShape<typeof TaskSchema>;
  return Object.assign(task, {
    id,
    runId: 'r1',
    node: 'web1',
    state: TaskState.ENDED,
    cause: Cause.REBOOT,
    freshness: Freshness.UNSPECIFIED,
    nodeSeenAt: undefined,
  });
}

async function specOf(store: Store, id: string): Promise<string[] | undefined> {
  return (await store.read.getTasks([id]))[0]?.spec?.argv;
}
