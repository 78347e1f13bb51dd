/** What a store must do with pages: everything once, in order, whatever comes in between. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Page, PageRequest, Store } from '#controller/store/store.ts';
import { limits } from '#protocol/limits.ts';
import type { StoreTest } from './fixture.ts';
import { pendingTask, recordRun, rejectsWith, runRecord } from './records.ts';

/** Declares the tests. */
export function pagingContract(test: StoreTest): void {
  test('listTasks() and listRuns() give everything once and in order, while more is recorded', async (store) => {
    let batch = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 6 }), fc.integer({ min: 1, max: 8 }), (runs, size) =>
        pagesAreWhole(store, `b${batch++}`, runs, size),
      ),
      { numRuns: 40 },
    );
  });

  test('listTasks() goes on with a run whose tasks were recorded in parts', async (store) => {
    await recordRun(store, runRecord('r1'), [pendingTask('z', 'r1', 'web1'), pendingTask('y', 'r1', 'web2')]);
    await recordRun(store, runRecord('r2'), [pendingTask('x', 'r2', 'web1')]);
    await store.transact((writer) => writer.insertTasks([pendingTask('a', 'r1', 'web3')]));
    const tasks = await allPages((page) => store.read.listTasks({}, page), 2);
    assert.deepEqual(
      tasks.map((task) => task.id),
      ['x', 'z', 'y', 'a'],
    );
  });

  test('listTasks() and listRuns() refuse a page that cannot be', async (store) => {
    await recordRun(store, runRecord('r1'), [pendingTask('a', 'r1', 'web1'), pendingTask('b', 'r1', 'web2')]);
    await recordRun(store, runRecord('r2'), []);
    const tasksToken = (await store.read.listTasks({}, { size: 1 })).next;
    const runsToken = (await store.read.listRuns({ size: 1 })).next;
    assert.ok(tasksToken && runsToken);
    const wrong = ['', 'x', '-1', 'e30', `${tasksToken}A`, tasksToken.slice(1), `${tasksToken}=`];
    for (const after of [...wrong, runsToken]) {
      await rejectsWith(store.read.listTasks({}, { size: 1, after }), 'invalid');
    }
    await rejectsWith(store.read.listRuns({ size: 1, after: tasksToken }), 'invalid');
    for (const size of [0, -1, 1.5, limits.pageMax + 1, Number.NaN]) {
      await rejectsWith(store.read.listTasks({}, { size }), 'invalid');
      await rejectsWith(store.read.listRuns({ size }), 'invalid');
    }
  });
}

/** Runs with so many tasks each, read in pages; another run is recorded after each page. */
async function pagesAreWhole(
  store: Store,
  batch: string,
  runs: readonly number[],
  size: number,
): Promise<void> {
  const expectedTasks: string[] = [];
  const expectedRuns: string[] = [];
  for (const [i, count] of runs.entries()) {
    const id = `${batch}r${i}`;
    const tasks = Array.from({ length: count }, (_, n) => pendingTask(`${id}t${9 - n}`, id, batch));
    await recordRun(store, runRecord(id), tasks);
    expectedTasks.unshift(...tasks.map((task) => task.id));
    expectedRuns.unshift(id);
  }
  let later = 0;
  const listTasks = async (page: PageRequest) => {
    const found = await store.read.listTasks({ nodes: [batch] }, page);
    const id = `${batch}later${later++}`;
    await recordRun(store, runRecord(id), [pendingTask(`${id}t`, id, batch)]);
    return found;
  };
  const tasks = await allPages(listTasks, size);
  assert.deepEqual(
    tasks.map((task) => task.id),
    expectedTasks,
  );
  const listed = await allPages((page) => store.read.listRuns(page), size);
  const ids = listed.map((run) => run.id);
  assert.deepEqual(
    ids.filter((id) => expectedRuns.includes(id)),
    expectedRuns,
  );
  assert.equal(new Set(ids).size, ids.length);
}

async function allPages<T>(list: (page: PageRequest) => Promise<Page<T>>, size: number): Promise<T[]> {
  const rows: T[] = [];
  let after: string | undefined;
  do {
    const page = await list({ size, after });
    assert.ok(page.rows.length <= size);
    assert.ok(page.next === undefined || page.rows.length === size);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return rows;
}
