/** Files on nodes of which one forbids them and one is away: each node has its own end, and the others have all. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { type FileEnd, FileOutcome, type NodeFileAnswer } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { limits } from '#protocol/limits.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { copyToNodes } from '#test/fixture/copy-to-nodes.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { until } from '#test/fixture/until.ts';

const { DONE, DENIED, UNREACHABLE, SKIPPED } = FileOutcome;

let cluster: TestCluster;

/** node1 allows all, node2 only its workspace to be read, and node3 is not there. */
before(async () => {
  cluster = await TestCluster.start(3);
  const policy =
    'version: 1\ncommands: any\nusers: [root]\nsignals: any\nshell: true\nenvironment: any\nfiles: {read: [workspace], write: []}\n';
  writeFileSync(join(cluster.directory, 'node2/policy.yaml'), policy, { mode: 0o600 });
  await cluster.stopNode('node3');
  await until('node3 is away', async () => {
    const { nodes } = await cluster.connection.nodes.listNodes({ nodes: 'node3' });
    return nodes.every(({ state }) => state !== NodeState.CONNECTED);
  });
  await until('node2 goes by its new policy', async () => {
    const target = { nodes: 'node2' };
    const ends = await ended(cluster.connection.files.listFiles({ target, list: { paths: ['/etc'] } }));
    return ends.get('node2')?.[0].outcome === DENIED;
  });
});

after(() => cluster?.[Symbol.asyncDispose]());

/** A file on this machine. */
function source(t: TestContext, bytes: number): { from: string; names: string[] } {
  const from = temporaryDirectory(t);
  writeFileSync(join(from, 'file'), randomBytes(bytes));
  return { from, names: ['file'] };
}

function workspaceOf(node: string, name: string): string {
  return join(cluster.directory, node, 'workspace', name);
}

/** The end of each node, and the problems that were told before it. */
async function ended(answers: AsyncIterable<NodeFileAnswer>): Promise<Map<string, [FileEnd, string[]]>> {
  const problems = new Map<string, string[]>();
  const ends = new Map<string, [FileEnd, string[]]>();
  for await (const { kind } of answers) {
    const told = kind.case === 'answer' ? kind.value.answer?.kind : undefined;
    if (kind.case === 'answer' && told?.case === 'problem') {
      const { path, error, denied } = told.value;
      const line = `${path}: ${error}${denied ? ' (denied)' : ''}`;
      problems.set(kind.value.node, [...(problems.get(kind.value.node) ?? []), line]);
    }
    if (kind.case === 'end') ends.set(kind.value.node, [kind.value, problems.get(kind.value.node) ?? []]);
  }
  return ends;
}

const notWritten = 'the policy of this node allows no file there to be written';

test('a copy says of each node why it did not take it, and is whole on the others', async (t) => {
  const { from, names } = source(t, 2 * limits.fileChunkBytes);
  const put = { destination: 'copied' };
  const target = { target: { nodes: 'node[1-3]' }, put };
  const { outcomes, ends } = await copyToNodes(cluster.connection, { from, names, target });
  assert.deepEqual(outcomes, { node1: DONE, node2: DENIED, node3: UNREACHABLE });
  assert.equal(ends.get('node2')?.reason, `${workspaceOf('node2', 'copied')}: ${notWritten}`);
  assert.equal(ends.get('node3')?.reason, 'the node is not connected');
  const sent = readFileSync(join(from, 'file'));
  assert.ok(readFileSync(workspaceOf('node1', 'copied')).equals(sent));
  assert.equal(existsSync(workspaceOf('node2', 'copied')), false);
});

test('a removal says the same, and removes on the others', async () => {
  for (const node of ['node1', 'node2']) {
    mkdirSync(workspaceOf(node, ''), { recursive: true });
    writeFileSync(workspaceOf(node, 'removed'), '');
  }
  const remove = { paths: ['removed'] };
  const answers = cluster.connection.files.removeFiles({ target: { nodes: 'node[1-3]' }, remove });
  const ends = await ended(answers);
  const outcomes = [...ends].map(([node, [{ outcome, reason }]]) => [node, outcome, reason]).sort();
  assert.deepEqual(outcomes, [
    ['node1', DONE, ''],
    ['node2', DENIED, `${workspaceOf('node2', 'removed')}: ${notWritten}`],
    ['node3', UNREACHABLE, 'the node is not connected'],
  ]);
  assert.deepEqual(
    [existsSync(workspaceOf('node1', 'removed')), existsSync(workspaceOf('node2', 'removed'))],
    [false, true],
  );
});

test('what a node forbids of several paths is a problem among them', async () => {
  mkdirSync(workspaceOf('node2', ''), { recursive: true });
  writeFileSync(workspaceOf('node2', 'seen'), '');
  const list = { paths: ['seen', '/etc/hostname'] };
  const ends = await ended(cluster.connection.files.listFiles({ target: { nodes: 'node2' }, list }));
  const [end, problems] = ends.get('node2') ?? [];
  assert.equal(end?.outcome, FileOutcome.FAILED);
  assert.equal(end?.entries, 1n);
  assert.deepEqual(problems, [
    '/etc/hostname: the policy of this node allows no file there to be read (denied)',
  ]);
});

test('a copy begins on no further node once more have failed than may', async (t) => {
  const { from, names } = source(t, 10);
  const pacing = { maxConcurrency: 1, maxErrors: 0 };
  const target = { target: { nodes: 'node[1-3]', pacing }, put: { destination: 'paced' } };
  const { outcomes, ends } = await copyToNodes(cluster.connection, { from, names, target });
  assert.deepEqual(outcomes, { node1: DONE, node2: DENIED, node3: SKIPPED });
  assert.match(ends.get('node3')?.reason ?? '', /^1 failed, and at most 0 may$/);
});

test('a copy sends no more a second than it may, to all nodes together', async (t) => {
  await cluster.startNode('node3');
  const { from, names } = source(t, 6 * limits.fileChunkBytes);
  // What is larger than a second's worth goes at once: so there are twelve chunks, and eleven are waited for.
  const bytesPerSecond = BigInt(8 * limits.fileChunkBytes);
  const target = { target: { nodes: 'node[1,3]', bytesPerSecond }, put: { destination: 'slow' } };
  const beganMs = performance.now();
  const { outcomes } = await copyToNodes(cluster.connection, { from, names, target });
  const tookMs = performance.now() - beganMs;
  assert.deepEqual(outcomes, { node1: DONE, node3: DONE });
  assert.ok(tookMs > (1_000 * 11) / 8 - 100, `${tookMs} ms`);
  await cluster.stopNode('node3');
});
