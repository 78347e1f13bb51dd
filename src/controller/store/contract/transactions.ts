/** What a store must do with transactions. */
import assert from 'node:assert/strict';
import type { Store, StoreWriter } from '#controller/store/store.ts';
import type { StoreTest } from './fixture.ts';
import { auditRecord, nodeRecord, rejectsWith } from './records.ts';

/** Declares the tests. */
export function transactionsContract(test: StoreTest): void {
  rollbackContract(test);
  orderContract(test);

  test('[Symbol.asyncDispose]() waits for what was asked before, and refuses what comes after', async (store) => {
    const writing = store.transact((writer) => writer.insertNode(nodeRecord('web1')));
    const reading = store.read.listNodes();
    const closing = store[Symbol.asyncDispose]();
    await rejectsWith(store.read.listNodes(), 'failed');
    await rejectsWith(
      store.transact(async () => {}),
      'failed',
    );
    await closing;
    await Promise.all([writing, reading, store[Symbol.asyncDispose]()]);
  });
}

function rollbackContract(test: StoreTest): void {
  test('transact() undoes everything when its work throws, and passes the error on', async (store) => {
    const error = new RangeError('mine');
    const failing = store.transact(async (writer) => {
      await writer.insertNode(nodeRecord('web1'));
      assert.equal((await writer.listNodes()).length, 1);
      throw error;
    });
    await assert.rejects(failing, (thrown) => thrown === error);
    assert.deepEqual(await names(store), []);
  });

  test('transact() undoes everything after a failure in it that its work caught', async (store) => {
    await store.transact((writer) => writer.insertNode(nodeRecord('web1')));
    const failing = store.transact(async (writer) => {
      await writer.insertNode(nodeRecord('web2'));
      await rejectsWith(writer.insertNode(nodeRecord('web1')), 'duplicate');
      await rejectsWith(writer.insertNode(nodeRecord('web3')), 'duplicate');
    });
    await rejectsWith(failing, 'duplicate');
    assert.deepEqual(await names(store), ['web1']);
  });

  test('transact() leaves a writer that is useless afterwards', async (store) => {
    let kept: StoreWriter | undefined;
    await store.transact(async (writer) => {
      kept = writer;
    });
    assert.ok(kept);
    await rejectsWith(kept.insertNode(nodeRecord('web1')), 'failed');
    await rejectsWith(kept.listNodes(), 'failed');
    assert.deepEqual(await names(store), []);
  });
}

function orderContract(test: StoreTest): void {
  test('transact() runs one at a time in the order of the calls', async (store) => {
    const log: string[] = [];
    const turns = Array.from({ length: 10 }, (_, i) =>
      store.transact(async (writer) => {
        log.push(`${i} begins`);
        const before = (await writer.listAudit(0, 100)).length;
        await new Promise((resolve) => setImmediate(resolve));
        await writer.insertAudit(auditRecord(`${before}`));
        log.push(`${i} ends`);
      }),
    );
    await Promise.all(turns);
    assert.deepEqual(
      log,
      turns.flatMap((_, i) => [`${i} begins`, `${i} ends`]),
    );
    const rows = await store.read.listAudit(0, 100);
    assert.deepEqual(
      rows.map((row) => row.who),
      turns.map((_, i) => `${i}`),
    );
  });

  test('read sees nothing of a transaction before its commit', async (store) => {
    const written = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const writing = store.transact(async (writer) => {
      await writer.insertNode(nodeRecord('web1'));
      written.resolve();
      await go.promise;
      throw new Error('undone');
    });
    await written.promise;
    const reading = names(store);
    go.resolve();
    await assert.rejects(writing, /undone/);
    assert.deepEqual(await reading, []);
  });

  test('read and transact() are refused inside of a transaction, not waited for', async (store) => {
    await store.transact(async (writer) => {
      await rejectsWith(store.read.listNodes(), 'failed');
      await rejectsWith(
        store.transact(async () => {}),
        'failed',
      );
      await writer.insertNode(nodeRecord('web1'));
    });
    assert.deepEqual(await names(store), ['web1']);
  });
}

async function names(store: Store): Promise<string[]> {
  return (await store.read.listNodes()).map((node) => node.name);
}
