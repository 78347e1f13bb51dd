/** What a store must do with runs. */
import assert from 'node:assert/strict';
import { create, equals, type MessageShape } from '@bufbuild/protobuf';
import { exited, notStarted } from '#core/outcome.ts';
import { PacingSchema, RunCountsSchema, RunSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { filled } from './filled.ts';
import type { StoreTest } from './fixture.ts';
import { pendingTask, recordRun, rejectsWith, runRecord } from './records.ts';

const runId = '0190f0a0-0000-7000-8000-000000000001';

/** Declares the tests. */
export function runsContract(test: StoreTest): void {
  countsContract(test);

  test('insertRun() keeps every field of the message', async (store) => {
    const record = runRecord(runId, filled(RunSchema) as MessageShape<typeof RunSchema>);
    record.run.id = runId;
    record.run.counts = create(RunCountsSchema);
    await store.transact((writer) => writer.insertRun(record));
    const found = await store.read.findRun(runId);
    assert.ok(found && equals(RunSchema, found.run, record.run));
    assert.equal(found.digest, record.digest);
    assert.equal(found.whenUnreachable, record.whenUnreachable);
    assert.equal(await store.read.findRun('another'), undefined);
  });

  test('insertRun() refuses an id that is taken', async (store) => {
    await store.transact((writer) => writer.insertRun(runRecord(runId)));
    await rejectsWith(
      store.transact((writer) => writer.insertRun(runRecord(runId))),
      'duplicate',
    );
  });

  test('pacedRuns() gives those with a pacing that have not ended', async (store) => {
    const pacing = create(PacingSchema, { maxConcurrency: 2, maxErrors: 0 });
    await store.transact(async (writer) => {
      for (const id of ['a', 'b', 'c']) await writer.insertRun(runRecord(id, { pacing }));
      await writer.insertRun(runRecord('d'));
      await writer.setRunEnded('b', 1);
    });
    const found = await store.read.pacedRuns();
    assert.deepEqual(
      found.map(({ run, digest }) => [run.id, digest, run.pacing?.maxErrors]),
      [
        ['a', 'digest of a', 0],
        ['c', 'digest of c', 0],
      ],
    );
  });

  test('setRunEnded() records the time', async (store) => {
    await store.transact(async (writer) => {
      await writer.insertRun(runRecord(runId));
      await writer.setRunEnded(runId, 1_700_000_009_001);
    });
    const endedAt = (await store.read.findRun(runId))?.run.endedAt;
    assert.deepEqual([endedAt?.seconds, endedAt?.nanos], [1_700_000_009n, 1_000_000]);
    await rejectsWith(
      store.transact((writer) => writer.setRunEnded('another', 1)),
      'failed',
    );
  });

  test('runIdsByPrefix() takes the prefix literally and keeps to the limit', async (store) => {
    const ids = ['ab1', 'ab2', 'ab3', 'b', '%b', 'a_c', 'aB4'];
    for (const id of ids) await store.transact((writer) => writer.insertRun(runRecord(id)));
    assert.deepEqual(await store.read.runIdsByPrefix('ab', 10), ['ab1', 'ab2', 'ab3']);
    assert.deepEqual(await store.read.runIdsByPrefix('ab', 2), ['ab1', 'ab2']);
    assert.deepEqual(await store.read.runIdsByPrefix('%', 10), ['%b']);
    assert.deepEqual(await store.read.runIdsByPrefix('a_', 10), ['a_c']);
    assert.deepEqual(await store.read.runIdsByPrefix('ab1', 10), ['ab1']);
    assert.deepEqual(await store.read.runIdsByPrefix('ab1x', 10), []);
    assert.equal((await store.read.runIdsByPrefix('', 10)).length, ids.length);
  });
}

function countsContract(test: StoreTest): void {
  test('findRun(), listRuns() and countEndings() count the tasks of each run', async (store) => {
    const ended = { state: TaskState.ENDED };
    await recordRun(store, runRecord('r1'), [
      pendingTask('a1', 'r1', 'web1', { ...ended, outcome: exited(0) }),
      pendingTask('a2', 'r1', 'web2', { ...ended, outcome: exited(0) }),
      pendingTask('a3', 'r1', 'web3', { ...ended, outcome: exited(1) }),
      pendingTask('a4', 'r1', 'web4', { ...ended, outcome: notStarted('chdir', 2, '/nope') }),
      pendingTask('a5', 'r1', 'web5', ended),
      pendingTask('a6', 'r1', 'web6', { state: TaskState.RUNNING }),
    ]);
    await recordRun(store, runRecord('r2'), [pendingTask('b1', 'r2', 'web1')]);
    await recordRun(store, runRecord('r3'), []);
    const counts = { total: 6, active: 1, succeeded: 2, failed: 1, notStarted: 1, unknown: 1 };
    const expected = [{}, { total: 1, active: 1 }, counts].map((c) => create(RunCountsSchema, c));
    const listed = await store.read.listRuns({ size: 10 });
    assert.deepEqual(
      listed.rows.map((run) => run.id),
      ['r3', 'r2', 'r1'],
    );
    assert.deepEqual(
      listed.rows.map((run) => run.counts),
      expected,
    );
    assert.deepEqual((await store.read.findRun('r1'))?.run.counts, expected[2]);
    assert.deepEqual(
      await store.read.countEndings('r1'),
      new Map(Object.entries({ failed: 1, not_started: 1, succeeded: 2, unknown: 1 })),
    );
    assert.equal((await store.read.countEndings('r2')).size, 0);
  });
}
