/** What a node keeps of its own decisions, through a real cluster, and that nobody reads or removes it over that cluster. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { v7 } from 'uuid';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';
import { until } from '#test/fixture/until.ts';

interface Row {
  readonly what: string;
  readonly decision: string;
  readonly argv?: readonly string[];
  readonly paths?: readonly string[];
  readonly reason?: string;
  readonly operator?: string;
}

test('a node records what its policy allowed and denied, and the product neither shows nor removes that', async () => {
  await using cluster = await TestCluster.start(1);
  const { runs, tasks, files } = cluster.connection;
  const directory = join(cluster.directory, 'node1');
  const rows = () =>
    readFileSync(join(directory, 'audit', 'audit.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row);
  const launch = async (...argv: string[]) => {
    const { tasks: made } = await runs.createRun({ id: v7(), nodes: 'node1', spec: { argv } });
    return made[0]?.id ?? '';
  };
  const stateOf = async (ref: string) => (await tasks.getTask({ ref })).state;

  const running = await launch('sleep', '60');
  await until('it runs', async () => (await stateOf(running)) === TaskState.RUNNING);
  await tasks.signalTasks({ query: { refs: [running] }, signal: 'CONT' });
  const path = join(directory, 'policy.yaml');
  const open = readFileSync(path, 'utf8');
  const obey = async (policy: string) => {
    await cluster.stopNode('node1');
    writeFileSync(path, policy);
    await cluster.startNode('node1');
  };
  await obey(open.replace(/^signals:.*$/m, 'signals: [SIGTERM]'));
  const { results } = await tasks.signalTasks({ query: { refs: [running] }, signal: 'HUP' });
  assert.match(results[0]?.error ?? '', /HUP/);
  await obey('version: 1\ncommands: none of this\n');
  const denied = await launch('true');
  await until('it has ended', async () => (await stateOf(denied)) === TaskState.ENDED);

  const told = rows();
  assert.deepEqual(
    told.map(({ what, decision }) => `${what} ${decision}`),
    ['launch allowed', 'signal allowed', 'signal denied', 'launch denied'],
  );
  assert.deepEqual([told[0]?.argv, told[0]?.operator], [['sleep', '60'], 'admin']);
  assert.deepEqual(told[3]?.argv, ['true']);

  await obey(open);
  const audit = join(directory, 'audit', 'audit.jsonl');
  const before = readFileSync(audit, 'utf8');
  const target = { nodes: 'node1' };
  const refusals: string[] = [];
  const hear = async (answers: AsyncIterable<{ kind: unknown }>) => {
    for await (const answer of answers)
      refusals.push(JSON.stringify(answer, (_, v) => (typeof v === 'bigint' ? `${v}` : v)));
  };
  await hear(files.readFile({ target, read: { path: audit } }));
  await hear(files.removeFiles({ target, remove: { paths: [audit] } }));
  await hear(files.moveFile({ target, move: { from: audit, to: join(directory, 'workspace', 'mine') } }));
  assert.equal(
    refusals.filter((text) => text.includes("is the agent's own state")).length,
    3,
    refusals.join('\n'),
  );
  assert.ok(readFileSync(audit, 'utf8').startsWith(before));
  assert.ok(rows().some(({ what, decision, paths }) => what === 'files' && decision === 'denied' && paths));
});
