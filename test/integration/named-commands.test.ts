/** Commands of a node's own policy, from the operator to the process: the node makes the vector, and tells it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { v7 } from 'uuid';
import { type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { TestCluster } from '#test/fixture/cluster.ts';

let cluster: TestCluster;

before(async () => {
  cluster = await TestCluster.start(1);
  const path = policyPath();
  const named = `namedCommands:
  say:
    argv: [/bin/echo, said, { parameter: what }]
    parameters: { what: { oneOf: [yes-sir, no-sir] } }
`;
  const text = readFileSync(path, 'utf8').replace(/^commands: any$/m, 'commands: [/usr/bin/true]');
  writeFileSync(path, text + named);
  cluster.agents.get('node1')?.reloadPolicy();
});

after(() => cluster?.[Symbol.asyncDispose]());

function policyPath(): string {
  return join(cluster.directory, 'node1', 'policy.yaml');
}

async function run(argv: string[], isNamed = true): Promise<{ ended: Task; text: string }> {
  const spec = { argv, named: isNamed };
  const { run: made } = await cluster.connection.runs.createRun({ id: v7(), nodes: 'node1', spec });
  let [ended, text]: [Task | undefined, string] = [undefined, ''];
  for await (const { kind } of cluster.connection.tasks.followTasks({
    query: { runId: made?.id ?? '' },
    output: true,
  })) {
    if (kind.case === 'log') text += Buffer.from(kind.value.data).toString();
    if (kind.case === 'task' && kind.value.state === TaskState.ENDED) ended = kind.value;
  }
  assert.ok(ended);
  return { ended, text };
}

function reasonOf({ outcome }: Task): string {
  assert.ok(outcome?.kind.case === 'notStarted', outcome?.kind.case);
  assert.equal(outcome.kind.value.step, 'policy');
  return outcome.kind.value.reason;
}

test('a named command runs, and its task has both the name and the vector', async () => {
  const { ended, text } = await run(['say', 'yes-sir']);
  assert.equal(text, 'said yes-sir\n');
  assert.deepEqual(ended.spec?.argv, ['say', 'yes-sir']);
  assert.deepEqual(ended.attempts[0]?.argv, ['/bin/echo', 'said', 'yes-sir']);
  const kept = await cluster.connection.tasks.getTask({ ref: ended.id });
  assert.deepEqual(kept.attempts[0]?.argv, ['/bin/echo', 'said', 'yes-sir']);
});

test('a wrong parameter, an unknown name and the plain vector are refused by the node, each in a line', async () => {
  const at = ` (${policyPath()})`;
  const wrong = await run(['say', 'maybe']);
  assert.equal(reasonOf(wrong.ended), `command say: what takes yes-sir or no-sir, not "maybe"${at}`);
  const unknown = await run(['sing']);
  assert.equal(reasonOf(unknown.ended), `the node's policy has no command "sing": it has say${at}`);
  const plain = await run(['/bin/echo', 'said', 'yes-sir'], false);
  assert.match(reasonOf(plain.ended), /^the node's policy does not allow \S*\/echo "said" "yes-sir" /);
});

test('a file with a mistake leaves the policy as it was; the node tells which one it goes by', async () => {
  const path = policyPath();
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, `${good}mounts: any\n`);
  cluster.agents.get('node1')?.reloadPolicy();
  assert.equal((await run(['say', 'no-sir'])).text, 'said no-sir\n');
  writeFileSync(path, good);
  await cluster.stopNode('node1');
  await cluster.startNode('node1');
  const { facts } = await cluster.connection.nodes.getNode({ name: 'node1' });
  assert.equal(facts?.policy?.digest, createHash('sha256').update(good).digest('hex'));
  assert.equal(facts.policy.problem, '');
});
