/** Cluster events: numbers without a gap, pages, what is given up, and the hint that there are more. */
import assert from 'node:assert/strict';
import { newEvent } from '#controller/store/new-event.ts';
import type { EventFilter, EventRecord, Store } from '#controller/store/store.ts';
import { limits } from '#protocol/limits.ts';
import type { StoreTest } from './fixture.ts';
import { madeAtMs, rejectsWith } from './records.ts';

const lost = (n: number): EventRecord => newEvent(madeAtMs + n, 'node.lost', { node: `n${n}` });

const record = (store: Store, ...events: EventRecord[]) =>
  store.transact((writer) => writer.insertEvents(events));

const sequences = async (store: Store, filter: EventFilter, after = 0, limit = 100) =>
  (await store.read.listEvents(filter, after, limit)).events.map((event) => event.sequence);

/** What must hold for the cluster's events. */
export function eventsContract(storeTest: StoreTest): void {
  storeTest(
    'insertEvents() numbers events without a gap, also after a transaction that failed',
    async (store) => {
      const event = newEvent(madeAtMs, 'task.ended', {
        node: 'web1',
        taskId: 'kaaaaaaaaa',
        runId: 'r1',
        who: 'ada',
        data: { outcome: `'";\n\u2028é😀` },
      });
      await record(store, event);
      const failing = store.transact(async (writer) => {
        await writer.insertEvents([lost(1), lost(2)]);
        await writer.setRunEnded('none', 1);
      });
      await rejectsWith(failing, 'failed');
      await record(store);
      await record(store, lost(3), ...Array.from({ length: 12 }, (_, n) => lost(n)));
      const { events, through, latest, gone } = await store.read.listEvents({}, 0, 100);
      assert.deepEqual(events[0], { sequence: 1, ...event });
      assert.deepEqual(
        events.slice(1).map(({ sequence, node }) => `${sequence} ${node}`),
        ['2 n3', ...Array.from({ length: 12 }, (_, n) => `${n + 3} n${n}`)],
      );
      assert.deepEqual({ through, latest, gone }, { through: 14, latest: 14, gone: 0 });
    },
  );

  storeTest('listEvents() holds all conditions together, a page at a time', async (store) => {
    await record(
      store,
      newEvent(1_000, 'task.ended', { node: 'a', taskId: 't1', runId: 'r1' }),
      newEvent(2_000, 'task.running', { node: 'b', taskId: 't2', runId: 'r1' }),
      newEvent(3_000, 'task.ended', { node: 'b', taskId: 't2', runId: 'r1' }),
      newEvent(4_000, 'run.ended', { runId: 'r2' }),
    );
    assert.deepEqual(await sequences(store, { kinds: ['task.ended'] }), [1, 3]);
    assert.deepEqual(await sequences(store, { nodes: ['b'], kinds: ['task.ended'] }), [3]);
    assert.deepEqual(await sequences(store, { taskIds: ['t2'] }), [2, 3]);
    assert.deepEqual(await sequences(store, { runIds: ['r1', 'r2'] }, 1), [2, 3, 4]);
    assert.deepEqual(await sequences(store, { sinceMs: 2_500 }), [3, 4]);
    assert.deepEqual(await sequences(store, { sinceMs: 9_000 }), []);
    assert.deepEqual(await sequences(store, { nodes: [] }), []);
    assert.equal((await store.read.listEvents({}, 1, 2)).through, 3);
    assert.equal((await store.read.listEvents({ kinds: [] }, 0, 2)).through, 4);
  });

  storeTest('listEvents() looks at so many at once and says how far it came', async (store) => {
    const count = limits.eventsScannedMax + 1;
    await record(store, ...Array.from({ length: count }, (_, n) => lost(n)));
    const page = await store.read.listEvents({ nodes: [`n${count - 1}`] }, 0, 10);
    assert.deepEqual(
      { ...page, events: page.events.length },
      { events: 0, through: count - 1, latest: count, gone: 0 },
    );
    assert.deepEqual(await sequences(store, { nodes: [`n${count - 1}`] }, page.through), [count]);
  });
}

/** What must hold for giving them up, and for the hint that there are more. */
export function eventUpkeepContract(storeTest: StoreTest): void {
  storeTest(
    'pruneEvents() gives up the oldest in steps, and a reader is told how many it missed',
    async (store) => {
      await record(store, ...Array.from({ length: 10 }, (_, n) => lost(n)));
      const prune = (keepMax: number, beforeMs: number, limit = 100) =>
        store.transact((writer) => writer.pruneEvents({ keepMax, beforeMs, limit }));
      assert.equal(await prune(100, 0), 0);
      assert.equal(await prune(4, 0, 5), 5);
      assert.equal(await prune(4, 0, 5), 1);
      assert.deepEqual(await store.read.eventSpan(), { oldest: 7, latest: 10 });
      assert.equal((await store.read.listEvents({}, 2, 10)).gone, 4);
      assert.equal((await store.read.listEvents({}, 6, 10)).gone, 0);
      assert.deepEqual(await sequences(store, {}), [7, 8, 9, 10]);
      assert.equal(await prune(100, madeAtMs + 8), 2);
      assert.equal(await prune(100, madeAtMs + 1_000), 2);
      assert.deepEqual(await store.read.eventSpan(), { oldest: 11, latest: 10 });
      await record(store, lost(0));
      assert.deepEqual(await sequences(store, {}, 10), [11]);
    },
  );

  storeTest('onEvents() tells after a commit with events, and after no other', async (store) => {
    let told = 0;
    const listening = store.onEvents(() => told++);
    await record(store);
    await store.transact(async (writer) => void (await writer.eventSpan()));
    await rejectsWith(
      store.transact(async (writer) => {
        await writer.insertEvents([lost(1)]);
        await writer.setRunEnded('none', 1);
      }),
      'failed',
    );
    await record(store, lost(1), lost(2));
    listening[Symbol.dispose]();
    await record(store, lost(3));
    assert.equal(told, 1);
  });
}
