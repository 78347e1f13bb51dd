// The certificate library's decorators need it first.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { DirectoryInUseError } from '#base/directory-lock.ts';
import { GoodbyeSchema, StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type Attempt, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { type AgentOptions, NotJoinedError, startAgent } from './agent.ts';
import { JoinError } from './join-error.ts';
import { killProcessesOf } from './testing/kill-processes-of.ts';
import type { PeerSession } from './testing/link-peer.ts';
import { memoryLog } from './testing/memory-log.ts';
import { PeerCluster } from './testing/peer-cluster.ts';

const never = new AbortController().signal;

/** A cluster and a state directory; neither is left behind. */
async function withCluster(body: (cluster: PeerCluster, options: AgentOptions) => Promise<void>) {
  const directory = await mkdtemp(join(tmpdir(), 'drover-agent-'));
  try {
    await using cluster = await PeerCluster.start();
    await body(cluster, {
      directory,
      policyFile: join(directory, 'policy.yaml'),
      join: { token: cluster.token, controller: cluster.api.address, name: 'node1' },
      clock: systemClock,
      log: memoryLog().log,
      random: () => 0,
    });
  } finally {
    killProcessesOf(directory);
    await rm(directory, { recursive: true });
  }
}

async function openSession(cluster: PeerCluster): Promise<PeerSession> {
  const session = await cluster.link.sessions.next();
  await session.expect('hello');
  session.welcome();
  return session;
}

/** Orders an attempt and follows it to its end. */
async function runTask(session: PeerSession, taskId: string, argv: string[]): Promise<Attempt> {
  session.say({ case: 'start', value: create(StartSchema, { taskId, attempt: 1, spec: { argv } }) });
  for (;;) {
    const frame = await session.frames.next();
    if (frame.case !== 'event' || frame.value.taskId !== taskId) continue;
    if (frame.value.attempt?.state === TaskState.ENDED) return frame.value.attempt;
  }
}

test('startAgent() joins, comes into the session, and runs what it is told to', async () => {
  await withCluster(async (cluster, options) => {
    await using agent = await startAgent(options, never);
    assert.equal(agent.name, 'node1');
    const session = await openSession(cluster);
    await agent.ready;
    const ended = await runTask(session, 'taskaaaaaa', ['sh', '-c', 'test "$DROVER_NODE" = node1 && exit 3']);
    assert.deepEqual(ended.outcome?.kind.case, 'exited');
    assert.deepEqual(ended.outcome?.kind.value, { $typeName: 'drover.v1.Exited', code: 3 });
    const missing = await runTask(session, 'taskbbbbbb', ['frobnicate']);
    assert.deepEqual(missing.outcome?.kind.value, {
      $typeName: 'drover.v1.NotStarted',
      step: 'command',
      errno: 2,
      reason: 'command frobnicate: not found on PATH',
    });
  });
});

test('startAgent() joins once, and launches nothing without a policy', async () => {
  await withCluster(async (cluster, options) => {
    {
      await using _first = await startAgent(options, never);
      await openSession(cluster);
    }
    await rm(options.policyFile);
    await using agent = await startAgent({ ...options, join: undefined }, never);
    const session = await openSession(cluster);
    await agent.ready;
    assert.equal(cluster.api.joins.length, 1);
    const refused = await runTask(session, 'taskaaaaaa', ['true']);
    assert.ok(refused.outcome?.kind.case === 'notStarted');
    assert.equal(refused.outcome.kind.value.step, 'policy');
    assert.match(refused.outcome.kind.value.reason, /there is no such file, so nothing is allowed/);
  });
});

test('Agent.dismissed resolves when the controller wants the node no more', async () => {
  await withCluster(async (cluster, options) => {
    await using agent = await startAgent(options, never);
    const session = await openSession(cluster);
    session.say({ case: 'goodbye', value: create(GoodbyeSchema, { reason: 'removed', final: true }) });
    assert.equal(await agent.dismissed, 'removed');
  });
});

test('startAgent() takes its directory for itself', async () => {
  await withCluster(async (_cluster, options) => {
    await using _agent = await startAgent(options, never);
    await assert.rejects(startAgent(options, never), DirectoryInUseError);
  });
});

test('startAgent() leaves nothing half-made when it cannot join', async () => {
  await withCluster(async (cluster, options) => {
    const token = { ...cluster.token, pin: new Uint8Array(32) };
    const join = { token, controller: cluster.api.address, name: 'node1' };
    await assert.rejects(startAgent({ ...options, join }, never), JoinError);
    await assert.rejects(startAgent({ ...options, join: undefined }, never), NotJoinedError);
    const left = (await readdir(options.directory)).filter((name) => !name.startsWith('lock'));
    assert.deepEqual(left, []);
  });
});
