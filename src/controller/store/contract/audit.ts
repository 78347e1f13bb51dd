/** What a store must do with the audit. */
import assert from 'node:assert/strict';
import { ChainCheck } from '#base/hash-chain.ts';
import type { AuditRow, Store } from '#controller/store/store.ts';
import type { StoreTest } from './fixture.ts';
import { auditRecord, madeAtMs } from './records.ts';

/** Declares the tests. */
export function auditContract(test: StoreTest): void {
  test('listAudit() gives the rows in the order of recording, without gaps', async (store) => {
    const records = ['ada', '-', 'eve'].map(auditRecord);
    for (const record of records) await store.transact((writer) => writer.insertAudit(record));
    const failing = store.transact(async (writer) => {
      await writer.insertAudit(auditRecord('nobody'));
      throw new Error('no');
    });
    await assert.rejects(failing, /^Error: no$/);
    await store.transact((writer) => writer.insertAudit(auditRecord('bob')));
    const rows = await store.read.listAudit(0, 10);
    const expected = [...records, auditRecord('bob')].map((record, i) => ({ ...record, sequence: i + 1 }));
    assert.deepEqual(
      rows.map(({ hash: _, ...row }) => row),
      expected,
    );
    assert.deepEqual(await store.read.listAudit(1, 2), rows.slice(1, 3));
    assert.deepEqual(await store.read.listAudit(4, 2), []);
  });

  test('listAuditBefore() gives the rows before one, newest first', async (store) => {
    await record(store, 'ada', 'eve', 'bob');
    const newest = await store.read.listAuditBefore(Number.MAX_SAFE_INTEGER, 2);
    assert.deepEqual(
      newest.map(({ who }) => who),
      ['bob', 'eve'],
    );
    assert.deepEqual(
      (await store.read.listAuditBefore(2, 2)).map(({ sequence }) => sequence),
      [1],
    );
  });

  test('auditSince() finds where a time begins', async (store) => {
    for (const atMs of [madeAtMs, madeAtMs + 10])
      await store.transact((writer) => writer.insertAudit({ ...auditRecord('ada'), atMs }));
    assert.equal(await store.read.auditSince(0), 1);
    assert.equal(await store.read.auditSince(madeAtMs + 1), 2);
    assert.equal(await store.read.auditSince(madeAtMs + 11), Number.MAX_SAFE_INTEGER);
  });

  test('insertAudit() chains the rows, also of one transaction and over a new start', async (store, fixture) => {
    await record(store, 'ada');
    await store.transact(async (writer) => {
      await writer.insertAudit(auditRecord('eve'));
      await writer.insertAudit(auditRecord('bob'));
    });
    await store[Symbol.asyncDispose]();
    await using again = await fixture.open();
    await record(again, 'ada');
    const check = new ChainCheck();
    for (const row of await again.read.listAudit(0, 10)) assert.equal(check.add(chained(row)), undefined);
    assert.equal(check.sequence, 4);
  });

  test('onAudit() hints at each commit that has recorded a decision', async (store) => {
    let hints = 0;
    using _ = store.onAudit(() => hints++);
    await record(store, 'ada', 'eve');
    await store.transact(async () => {});
    assert.equal(hints, 2);
  });
}

function chained({ sequence, hash, atMs: at, ...content }: AuditRow) {
  return { sequence, hash, content: { at, ...content } };
}

async function record(store: Store, ...who: string[]): Promise<void> {
  for (const name of who) await store.transact((writer) => writer.insertAudit(auditRecord(name)));
}
