import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { PolicyFile } from '#agent/policy/policy-file.ts';
import { writeStarterPolicy } from '#agent/policy/starter-policy.ts';
import { FakeClock } from '#base/clock.ts';
import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import type { TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { Accounts } from './accounts.ts';
import { resolveLaunch } from './resolve-launch.ts';

const own = userInfo();

async function decide(spec: MessageInitShape<typeof TaskSpecSchema>, withPolicy = true) {
  const directory = await mkdtemp(join(tmpdir(), 'drover-resolve-'));
  try {
    const path = join(directory, 'policy.yaml');
    if (withPolicy) await writeStarterPolicy(path, 'confined', { task: undefined, own: own.username });
    const clock = new FakeClock();
    const policyFile = new PolicyFile({ path, uid: own.uid, clock });
    const decider = resolveLaunch({
      policyFile,
      accounts: new Accounts(clock),
      clock,
      node: 'node1',
      agentUid: own.uid,
    });
    return await decider(
      create(StartSchema, { taskId: 'task-a', attempt: 2, runId: 'run-1', spec }),
      '/work',
    );
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('resolveLaunch() resolves the command, the user and the environment', async () => {
  const env = { TZ: 'UTC', DROVER_NODE: 'forged', LANG: 'de_DE.UTF-8' };
  const decision = await decide({ argv: ['env'], env });
  assert.ok(decision.allowed, JSON.stringify(decision));
  const { binary, cwd, identity, env: variables } = decision.launch;
  assert.match(binary, /^\/.*\/env$/);
  assert.equal(cwd, '/work');
  assert.equal(identity, undefined);
  const environment = Object.fromEntries(variables.map((line) => line.split(/=(.*)/s, 2)));
  assert.deepEqual(environment, {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'de_DE.UTF-8',
    HOME: own.homedir,
    USER: own.username,
    LOGNAME: own.username,
    SHELL: environment['SHELL'],
    TZ: 'UTC',
    DROVER_TASK: 'task-a',
    DROVER_RUN: 'run-1',
    DROVER_NODE: 'node1',
    DROVER_ATTEMPT: '2',
    DROVER_ATTEMPT_ID: 'task-a.2',
  });
});

test('resolveLaunch() looks the command up on the PATH of the task', async () => {
  const decision = await decide({ argv: ['env'], env: { PATH: '/none' } });
  assert.deepEqual(decision, {
    allowed: false,
    step: 'command',
    errno: 2,
    reason: 'command env: not found on PATH',
  });
});

test('resolveLaunch() refuses everything without a policy', async () => {
  const decision = await decide({ argv: ['env'] }, false);
  assert.ok(!decision.allowed);
  assert.equal(decision.step, 'policy');
  assert.match(decision.reason, /there is no such file, so nothing is allowed/);
});
