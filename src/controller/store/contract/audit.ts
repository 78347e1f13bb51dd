/** What a store must do with the audit. */
import assert from 'node:assert/strict';
import type { StoreTest } from './fixture.ts';
import { auditRecord } from './records.ts';

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
    assert.deepEqual(rows, expected);
    assert.deepEqual(await store.read.listAudit(1, 2), expected.slice(1, 3));
    assert.deepEqual(await store.read.listAudit(4, 2), []);
  });
}
