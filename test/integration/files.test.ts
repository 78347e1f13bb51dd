/** Files to and from the nodes of a real cluster: one upload for many, second tries, and what goes wrong. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { FileOutcome } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { limits } from '#protocol/limits.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { copyToNodes } from '#test/fixture/copy-to-nodes.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { until } from '#test/fixture/until.ts';

const { DONE, FAILED, UNREACHABLE } = FileOutcome;
const chunk = limits.fileChunkBytes;

let cluster: TestCluster;

before(async () => {
  cluster = await TestCluster.start(4);
});

after(() => cluster?.[Symbol.asyncDispose]());

/** A directory with a tree in it, new each time. */
function source(t: TestContext, bytes = 6 * chunk + 5): { from: string; names: string[]; big: Buffer } {
  const from = temporaryDirectory(t);
  const big = randomBytes(bytes);
  mkdirSync(join(from, 'app/lib'), { recursive: true });
  writeFileSync(join(from, 'app/big'), big);
  for (let i = 0; i < 200; i++) writeFileSync(join(from, `app/lib/f${i}`), `file ${i}`);
  return { from, names: ['app'], big };
}

function on(nodes: string, destination: string) {
  return { target: { nodes }, put: { destination, intoDirectory: false } };
}

async function makeDirectory(nodes: string, path: string): Promise<void> {
  const make = { paths: [path], parents: true };
  for await (const { kind } of cluster.connection.files.makeDirectories({ target: { nodes }, make })) {
    if (kind.case === 'end') assert.equal(kind.value.outcome, DONE);
  }
}

/** SHA-256 of a file on a node, asked of the node. */
async function digestOn(nodes: string, path: string): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  const list = { paths: [path], sha256: true };
  for await (const { kind } of cluster.connection.files.listFiles({ target: { nodes }, list })) {
    if (kind.case !== 'answer' || kind.value.answer?.kind.case !== 'entry') continue;
    digests[kind.value.node] = Buffer.from(kind.value.answer.kind.value.sha256).toString('hex');
  }
  return digests;
}

test('a tree goes to many nodes and the caller is asked for each chunk once', async (t) => {
  const { from, names, big } = source(t);
  const copied = await copyToNodes(cluster.connection, { from, names, target: on('node[1-4]', 'many') });
  assert.deepEqual(copied.outcomes, { node1: DONE, node2: DONE, node3: DONE, node4: DONE });
  assert.deepEqual(copied.problems, []);
  assert.equal(copied.wanted, 7);
  const sha256 = createHash('sha256').update(big).digest('hex');
  const expected = { node1: sha256, node2: sha256, node3: sha256, node4: sha256 };
  assert.deepEqual(await digestOn('node[1-4]', 'many/big'), expected);
  const { progress } = copied.ends.get('node2') ?? {};
  assert.equal(progress?.receivedBytes, progress?.bytes);
});

test('a copy that was cut goes on with what is missing, also after a restart of the controller', async (t) => {
  const { from, names } = source(t, 40 * chunk);
  const target = on('node1', 'again');
  await makeDirectory('node1', 'again');
  let sent = 0;
  let stopped: Promise<void> | undefined;
  const first = await copyToNodes(cluster.connection, {
    from,
    names,
    target,
    async onSend({ kind }) {
      if (kind.case !== 'chunk' || ++sent !== 20) return;
      stopped = cluster.stopNode('node1');
      await stopped;
    },
  });
  assert.deepEqual(first.outcomes, { node1: UNREACHABLE });
  // The copy may be over before the agent is.
  await stopped;
  await cluster.startNode('node1');
  await cluster.restartController();
  await until('node1 is back', async () => {
    const { nodes } = await cluster.connection.nodes.listNodes({ nodes: 'node1' });
    return nodes.every(({ state }) => state === NodeState.CONNECTED);
  });
  const second = await copyToNodes(cluster.connection, { from, names, target });
  assert.deepEqual(second.outcomes, { node1: DONE });
  const { bytes = 0n, receivedBytes = 0n } = second.ends.get('node1')?.progress ?? {};
  assert.ok(receivedBytes < bytes, 'the part of the first try was used');
  // Of the 19 that were sent, those may be lost that were on their way to the controller when the copy ended.
  const wantedMax = 21 + limits.fileWantedChunksMax;
  assert.ok(second.wanted <= wantedMax, `${second.wanted} chunks: what the cache has is not asked for`);
});

test('a directory that was cut, and is on some nodes, goes on under its name with exactDestination', async (t) => {
  const { from, names, big } = source(t, 2 * chunk);
  const { target, put } = on('node[1-3]', 'exact');
  const again = { target, put: { ...put, exactDestination: true } };
  await copyToNodes(cluster.connection, { from, names, target: on('node1', 'exact') });
  await makeDirectory('node2', 'exact/lib');
  const copied = await copyToNodes(cluster.connection, { from, names, target: again });
  assert.deepEqual([copied.outcomes, copied.problems], [{ node1: DONE, node2: DONE, node3: DONE }, []]);
  const sha256 = createHash('sha256').update(big).digest('hex');
  assert.deepEqual(await digestOn('node[1-3]', 'exact/big'), { node1: sha256, node2: sha256, node3: sha256 });
  const listed = await digestOn('node[1-3]', 'exact/app');
  assert.deepEqual(listed, {}, 'and not beneath it');
});

test('a problem on one node is told, and the others have all of it', async (t) => {
  const { from, names } = source(t, 2 * chunk);
  await makeDirectory('node2', 'taken');
  await makeDirectory('node3', 'taken/app/big');
  const copied = await copyToNodes(cluster.connection, { from, names, target: on('node[2-3]', 'taken') });
  assert.deepEqual(copied.outcomes, { node2: DONE, node3: FAILED });
  assert.deepEqual(copied.problems.length, 1);
  assert.match(copied.problems[0] ?? '', /^node3: .*app\/big: .*directory/);
  assert.equal(copied.ends.get('node3')?.progress?.entries, 202n);
});

test('what is removed on a node is gone there, and the chunks of a copy are kept within their limit', async (t) => {
  const { from, names } = source(t, 3 * chunk);
  await copyToNodes(cluster.connection, { from, names, target: on('node[1-2]', 'back') });
  const removed: string[] = [];
  const remove = { paths: ['back/lib'], recursive: true };
  for await (const { kind } of cluster.connection.files.removeFiles({ target: { nodes: 'node1' }, remove })) {
    if (kind.case === 'end') removed.push(`${kind.value.node} ${kind.value.outcome}`);
  }
  assert.deepEqual(removed, [`node1 ${DONE}`]);
  const kept = join(cluster.directory, 'controller/files/chunks');
  assert.ok(readdirSync(kept).length >= 3);
  assert.ok(readdirSync(kept).every((name) => readFileSync(join(kept, name)).length <= chunk));
});

test('a caller that goes ends the copy and leaves the old file', async (t) => {
  const { from, names, big } = source(t, 40 * chunk);
  const target = on('node4', 'gone');
  await makeDirectory('node4', 'gone');
  await copyToNodes(cluster.connection, { from, names, target });
  writeFileSync(join(from, 'app/big'), randomBytes(40 * chunk));
  const abort = new AbortController();
  let sent = 0;
  const copied = copyToNodes(cluster.connection, {
    from,
    names,
    target,
    signal: abort.signal,
    onSend({ kind }) {
      if (kind.case === 'chunk' && ++sent === 5) abort.abort();
    },
  });
  await assert.rejects(copied, /abort/);
  const sha256 = createHash('sha256').update(big).digest('hex');
  assert.deepEqual(await digestOn('node4', 'gone/app/big'), { node4: sha256 });
});
