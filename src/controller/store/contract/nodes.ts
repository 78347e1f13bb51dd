/** What a store must do with nodes. */
import assert from 'node:assert/strict';
import { clone, type MessageShape } from '@bufbuild/protobuf';
import type { Store } from '#controller/store/store.ts';
import { HostFactsSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import { filled } from './filled.ts';
import type { StoreTest } from './fixture.ts';
import { madeAtMs, nodeRecord, rejectsWith } from './records.ts';

const facts = filled(HostFactsSchema) as MessageShape<typeof HostFactsSchema>;
const web1 = nodeRecord('web1', {
  labels: { site: 'north', 'with "quotes"': "it's", __proto__x: '' },
  seenAtMs: 1_700_000_000_999,
  address: '192.0.2.1:4711',
  version: '0.1.0',
  facts,
  journalId: 'j1',
  acknowledgedEvent: 2n ** 64n - 1n,
  generation: 4,
});

/** Declares the tests. */
export function nodesContract(test: StoreTest): void {
  recordsContract(test);
  changesContract(test);
}

function recordsContract(test: StoreTest): void {
  test('insertNode() keeps the whole record', async (store) => {
    await store.transact((writer) => writer.insertNode(web1));
    assert.deepEqual(await store.read.findNode('web1'), web1);
    assert.deepEqual(await store.read.findNodeByKey('key of web1'), web1);
    assert.equal(await store.read.findNode('web2'), undefined);
    assert.equal(await store.read.findNodeByKey('key of web2'), undefined);
  });

  test('insertNode() refuses a name or a key that is taken', async (store) => {
    await store.transact((writer) => writer.insertNode(web1));
    const sameName = nodeRecord('web1', { keyFingerprint: 'another' });
    await rejectsWith(
      store.transact((writer) => writer.insertNode(sameName)),
      'duplicate',
    );
    const sameKey = nodeRecord('web2', { keyFingerprint: web1.keyFingerprint });
    await rejectsWith(
      store.transact((writer) => writer.insertNode(sameKey)),
      'duplicate',
    );
    assert.deepEqual(await store.read.listNodes(), [web1]);
  });
}

function changesContract(test: StoreTest): void {
  test('updateNodeSession() replaces what a session tells, and nothing else', async (store) => {
    const before = nodeRecord('web1', { labels: { site: 'north' } });
    const session = {
      address: '192.0.2.9:1',
      version: '0.2.0',
      facts: clone(HostFactsSchema, facts),
      seenAtMs: 1_700_000_005_000,
      journalId: 'j2',
      acknowledgedEvent: 7n,
      generation: 3,
    };
    await store.transact(async (writer) => {
      await writer.insertNode(before);
      await writer.insertNode(nodeRecord('web2'));
      await writer.updateNodeSession('web1', session);
    });
    assert.deepEqual(await store.read.findNode('web1'), { ...before, ...session });
    assert.deepEqual(await store.read.findNode('web2'), nodeRecord('web2'));
  });

  test('nextGeneration() gives no number twice, and none at or below one that was used', async (store) => {
    await store.transact(async (writer) => {
      await writer.insertNode(nodeRecord('web1'));
      await writer.insertNode(nodeRecord('web2'));
    });
    const next = () => store.transact((writer) => writer.nextGeneration('web1'));
    assert.deepEqual([await next(), await next()], [1, 2]);
    await store.transact((writer) => writer.confirmGeneration('web1', 7));
    assert.equal(await next(), 8);
    assert.equal((await store.read.findNode('web1'))?.generation, 7, 'what was given is not used yet');
    assert.equal((await store.read.findNode('web2'))?.generation, 0);
    await rejectsWith(
      store.transact((writer) => writer.nextGeneration('web3')),
      'failed',
    );
  });

  test('confirmGeneration() only raises it', async (store) => {
    await store.transact((writer) => writer.insertNode(nodeRecord('web1')));
    for (const generation of [2, 1, 2]) {
      await store.transact((writer) => writer.confirmGeneration('web1', generation));
      assert.equal((await store.read.findNode('web1'))?.generation, 2);
    }
  });

  test('setAcknowledgedEvents() and updateNodesSeen() change one thing each', async (store) => {
    await store.transact(async (writer) => {
      await writer.insertNode(web1);
      await writer.insertNode(nodeRecord('web2'));
      await writer.setAcknowledgedEvents(new Map([['web1', 12n]]));
      await writer.updateNodesSeen(
        new Map([
          ['web2', 1_800_000_000_000],
          ['removed', 1],
        ]),
      );
    });
    const nodes = await store.read.listNodes();
    assert.deepEqual(
      nodes.map(({ name, acknowledgedEvent, seenAtMs }) => [name, acknowledgedEvent, seenAtMs]),
      [
        ['web1', 12n, web1.seenAtMs],
        ['web2', 0n, 1_800_000_000_000],
      ],
    );
  });

  test('setAcknowledgedEvents() passes over nodes that are not recorded any more', async (store) => {
    await store.transact((writer) => writer.insertNode(web1));
    const events = new Map([
      ['web1', 13n],
      ['ghost', 1n],
    ]);
    await store.transact((writer) => writer.setAcknowledgedEvents(events));
    assert.deepEqual(await store.read.listNodes(), [{ ...web1, acknowledgedEvent: 13n }]);
  });

  test('setAcknowledgedEvents() takes any number of nodes, and any event', async (store) => {
    const names = Array.from({ length: 5_000 }, (_, i) => `web${i}`);
    const last = 2n ** 64n - 1n;
    await store.transact(async (writer) => {
      for (const name of names) await writer.insertNode(nodeRecord(name));
      await writer.setAcknowledgedEvents(new Map(names.map((name) => [name, last])));
    });
    const nodes = await store.read.listNodes();
    assert.equal(nodes.filter((node) => node.acknowledgedEvent === last).length, names.length);
  });
}

/** What must hold for what operators do to nodes. */
export function nodeManagementContract(test: StoreTest): void {
  const fill = (store: Store) =>
    store.transact(async (writer) => {
      for (const name of ['web1', 'web2', 'web3']) await writer.insertNode(nodeRecord(name));
    });

  test('setNodeLabels() replaces the labels of some nodes', async (store) => {
    await fill(store);
    const labels = new Map<string, Record<string, string>>([
      ['web1', { role: 'db', 'a/b': '' }],
      ['web3', {}],
    ]);
    await store.transact((writer) => writer.setNodeLabels(labels));
    const nodes = await store.read.listNodes();
    assert.deepEqual(
      nodes.map((node) => node.labels),
      [{ role: 'db', 'a/b': '' }, {}, {}],
    );
  });

  test('updateNodesFacts() replaces the facts of those that are recorded', async (store) => {
    await fill(store);
    const told = new Map([
      ['web2', facts],
      ['ghost', facts],
    ]);
    await store.transact((writer) => writer.updateNodesFacts(told));
    assert.deepEqual(
      (await store.read.listNodes()).map((node) => node.facts),
      [undefined, facts, undefined],
    );
  });

  test('setNodesDrain() drains and resumes, and listDrains() has those that are drained', async (store) => {
    await fill(store);
    const drain = { reason: 'new "disk"', by: 'ada', atMs: madeAtMs };
    await store.transact((writer) => writer.setNodesDrain(['web1', 'web3'], drain));
    assert.deepEqual(
      await store.read.listDrains(),
      new Map([
        ['web1', drain],
        ['web3', drain],
      ]),
    );
    await store.transact((writer) => writer.setNodesDrain(['web1', 'web2'], undefined));
    assert.deepEqual([...(await store.read.listDrains()).keys()], ['web3']);
    assert.deepEqual((await store.read.findNode('web3'))?.drain, drain);
  });

  test('removeNode() frees the name and keeps the key', async (store) => {
    await fill(store);
    const removed = {
      keyFingerprint: 'key of web2',
      name: 'web2',
      removedAtMs: madeAtMs,
      removedBy: 'ada',
    };
    await store.transact((writer) => writer.removeNode(removed));
    assert.equal(await store.read.findNode('web2'), undefined);
    assert.deepEqual(await store.read.findRemovedNode('key of web2'), removed);
    assert.deepEqual(await store.read.listRemovedNodes(), [removed]);
    await rejectsWith(
      store.transact((writer) => writer.removeNode(removed)),
      'failed',
    );
    await store.transact((writer) => writer.insertNode(nodeRecord('web2', { keyFingerprint: 'another' })));
  });
}
