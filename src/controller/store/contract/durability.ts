/** What a store must keep: all that was acknowledged, whole. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { StoreFixture, StoreTest } from './fixture.ts';
import { nodeRecord } from './records.ts';

/** Longest life of a crash writer, should the test not end it. */
const writerTimeoutMs = 60_000;

/** Declares the tests. */
export function durabilityContract(test: StoreTest): void {
  test('open() finds what was there when it was closed', async (store, fixture) => {
    const id = await store.read.clusterId();
    assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    await store.transact((writer) => writer.insertNode(nodeRecord('web1')));
    await store[Symbol.asyncDispose]();
    await using again = await fixture.open();
    assert.equal(await again.read.clusterId(), id);
    assert.deepEqual(await again.read.listNodes(), [nodeRecord('web1')]);
  });

  test('transact() has kept what it acknowledged, and halves of nothing, after SIGKILL', async (store, fixture) => {
    await store[Symbol.asyncDispose]();
    for (const acknowledgements of [1, 20, 60]) {
      const before = await batches(fixture);
      const acknowledged = await killWriterAfter(fixture, acknowledgements);
      const after = await batches(fixture);
      for (const [batch, rows] of after) assert.equal(rows, 3, `batch ${batch} is whole`);
      assert.ok(acknowledged.length >= acknowledgements);
      for (const batch of acknowledged) assert.ok(after.has(batch), `batch ${batch} is there`);
      // One may have been committed whose acknowledgement never came out.
      assert.ok(after.size - before.size - acknowledged.length <= 1);
    }
  });
}

/** Rows of each batch that crash-writer.ts wrote. */
async function batches(fixture: StoreFixture): Promise<Map<string, number>> {
  await using store = await fixture.open();
  const rows = await store.read.listAudit(0, 1_000_000);
  return new Map([...Map.groupBy(rows, (row) => row.who)].map(([batch, of]) => [batch, of.length]));
}

/** Kills a writer in the middle of its work. @returns the batches that it said are recorded. */
async function killWriterAfter(fixture: StoreFixture, acknowledgements: number): Promise<string[]> {
  const writer = spawn(process.execPath, fixture.crashWriter, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: writerTimeoutMs,
    killSignal: 'SIGKILL',
  });
  const closed = once(writer, 'close');
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === acknowledgements) writer.kill('SIGKILL');
  }
  assert.deepEqual(await closed, [null, 'SIGKILL']);
  return acknowledged;
}
