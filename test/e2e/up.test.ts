import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpCluster } from '#test/fixture/drover-command.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

test('drover up runs a command on three real nodes', async (t) => {
  await using cluster = await startUpCluster(temporaryDirectory(t), 3);

  const many = await cluster.run('run', '-w', 'node[1-3]', '--', 'sh', '-c', 'echo out; echo err >&2');
  assert.equal(many.code, 0, many.stderr);
  assert.deepEqual(many.stdout.split('\n').sort().slice(1), ['node1: out', 'node2: out', 'node3: out']);
  for (const line of ['node1: err', 'node2: err', 'node3: err', '3 succeeded']) {
    assert.ok(many.stderr.includes(line), `${line} in ${many.stderr}`);
  }

  const one = await cluster.run('run', '-w', 'node2', '--', 'sh', '-c', 'exit 7');
  assert.equal(one.code, 7, one.stderr);

  const failed = await cluster.run('run', '-w', '@all', '--', 'false');
  assert.equal(failed.code, 5);
  assert.match(failed.stderr, /3 failed/);
  assert.match(failed.stderr, /node\[1-3\]/);
});

test('drover up refuses a directory that another one holds, and says who', async (t) => {
  await using cluster = await startUpCluster(temporaryDirectory(t), 1);
  const second = await cluster.run(
    'up',
    '--no-shell',
    '--listen',
    '127.0.0.1:0',
    '--agent-listen',
    '127.0.0.1:0',
  );
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`in use by drover up \\(pid ${cluster.pid}\\)`));
  assert.equal(second.stderr.trim().split('\n').length, 1);
});
