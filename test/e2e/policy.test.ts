import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startUpCluster } from '#test/fixture/drover-command.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { until } from '#test/fixture/until.ts';

const named = `namedCommands:
  say:
    argv: [/bin/echo, said, { parameter: what }]
    parameters: { what: { oneOf: [yes-sir, no-sir] } }
`;

test('drover run --command runs what the policy says, once the agent has read it at SIGHUP', async (t) => {
  const data = temporaryDirectory(t);
  await using cluster = await startUpCluster(data, 1);
  const node = join(data, 'nodes', 'node1');
  const policy = join(node, 'policy.yaml');
  appendFileSync(policy, named);
  process.kill(Number(/\d+/.exec(readFileSync(join(node, 'lock.holder'), 'utf8'))?.[0]), 'SIGHUP');
  const log = join(data, 'log', 'node1.log');
  const loads = () => readFileSync(log, 'utf8').split('the policy of this node is in force').length - 1;
  await until('the policy was read again', () => loads() === 2);

  const run = await cluster.run('run', '-w', 'node1', '--command', 'say', 'yes-sir');
  assert.equal(run.code, 0, run.stderr);
  assert.equal(run.stdout, 'node1: said yes-sir\n');
  const listed = await cluster.run('ps', '--all', '-o', 'json');
  const id = /"id":\s*"(\w+)"/.exec(listed.stdout)?.[1] ?? '';
  const { stdout } = await cluster.run('inspect', id);
  assert.match(stdout, /^the policy's command: +say yes-sir$/m);
  assert.match(stdout, /^ +arguments: +\/bin\/echo said yes-sir$/m);

  const wrong = await cluster.run('run', '-w', 'node1', '--command', 'say', 'maybe');
  assert.equal(wrong.code, 7);
  assert.match(wrong.stderr, /not started: command say: what takes yes-sir or no-sir, not "maybe"/);
  const preview = await cluster.run('run', '-w', 'node1', '--preview', '--command', 'say', 'yes-sir');
  assert.match(preview.stdout, /^say yes-sir$/m);
});
