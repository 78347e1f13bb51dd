/**
 * A program for the contract suite, to be killed: writes batches of three audit rows, a transaction each, into the
 * SQLite database that its argument names, and prints a batch's name as soon as it is acknowledged. Never ends by itself.
 */
import { writeSync } from 'node:fs';
import { auditRecord } from './contract/records.ts';
import { openSqliteStore } from './open-store.ts';

const [path] = process.argv.slice(2);
if (path === undefined) throw new TypeError('usage: crash-writer.ts DATABASE');
await using store = await openSqliteStore({ path });
for (let batch = 0; ; batch++) {
  const record = auditRecord(`${process.pid}.${batch}`);
  await store.transact(async (writer) => {
    for (let i = 0; i < 3; i++) await writer.insertAudit(record);
  });
  writeSync(process.stdout.fd, `${record.who}\n`);
}
