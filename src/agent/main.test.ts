// The certificate library's decorators need it first.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { lockDirectory } from '#base/directory-lock.ts';
import { programCommand, version } from '#base/installation.ts';
import { formatJoinToken } from '#core/join-token.ts';
import { ErrorDetailSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type Attempt, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { ApiPeer } from './testing/api-peer.ts';
import { killProcessesOf } from './testing/kill-processes-of.ts';
import type { PeerSession } from './testing/link-peer.ts';
import { PeerCluster } from './testing/peer-cluster.ts';
import { makeTestPki } from './testing/test-pki.ts';

const pki = await makeTestPki();
const token = formatJoinToken({ id: 'abc', secret: new Uint8Array(32), pin: pki.pin });

/** Runs the program to its end, in a state directory of its own. */
async function runAgent(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const command = programCommand('agent', args);
  const child = spawn(command.file, command.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exit, stdout, stderr };
}

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-agent-'));
  try {
    await body(directory);
  } finally {
    killProcessesOf(directory);
    await rm(directory, { recursive: true });
  }
}

/** What must be left where joining failed: the lock's files, and nothing of an identity. */
async function assertNothingHalfMade(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  assert.deepEqual(
    names.filter((name) => !name.startsWith('lock')),
    [],
  );
}

test('drover agent shows its help and its version', async () => {
  const help = await runAgent(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^usage: drover agent /);
  assert.deepEqual(await runAgent(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('drover agent says what it needs when it has not joined', async () => {
  await inDirectory(async (directory) => {
    assert.deepEqual(await runAgent(['--data', directory, '--name', 'n']), {
      code: 2,
      stdout: '',
      stderr: 'drover agent: this node has not joined a cluster; give --join TOKEN\n',
    });
  });
});

test('drover agent says which part of a token is wrong', async () => {
  await inDirectory(async (directory) => {
    const run = await runAgent(['--data', directory, '--name', 'n'], {
      DROVER_JOIN_TOKEN: token.slice(0, 20),
    });
    assert.equal(run.code, 2);
    assert.equal(run.stderr, 'drover agent: not a join token: it has 3 parts between dots instead of 4\n');
    await assertNothingHalfMade(directory);
  });
});

test('drover agent says that its controller is not there', async () => {
  await inDirectory(async (directory) => {
    const run = await runAgent([
      '--data',
      directory,
      '--name',
      'n',
      '--join',
      token,
      '--controller',
      '127.0.0.1:1',
    ]);
    assert.equal(run.code, 1);
    assert.equal(
      run.stderr,
      'drover agent: cannot reach the controller at 127.0.0.1:1: connection refused\n',
    );
    await assertNothingHalfMade(directory);
  });
});

test('drover agent says that its token was refused, with the exit code of a denial', async () => {
  await using peer = await ApiPeer.listen({
    identity: await pki.issueServer(),
    rootDer: pki.rootDer,
    join: () =>
      Promise.reject(
        new ConnectError('join token abc was used up', Code.PermissionDenied, undefined, [
          { desc: ErrorDetailSchema, value: { reason: 'TOKEN_REFUSED' } },
        ]),
      ),
  });
  const controller = `127.0.0.1:${peer.address.port}`;
  await inDirectory(async (directory) => {
    const args = ['--data', directory, '--name', 'n', '--controller', controller];
    const run = await runAgent(args, { DROVER_JOIN_TOKEN: token });
    assert.deepEqual(run, {
      code: 7,
      stdout: '',
      stderr: 'drover agent: cannot join: join token abc was used up\n',
    });
    await assertNothingHalfMade(directory);
  });
});

/** Starts the program as a node of `cluster`; it runs until its standard input is closed. */
function startAgent(cluster: PeerCluster, directory: string): ChildProcessWithoutNullStreams {
  const { host, port } = cluster.api.address;
  const options = ['--data', directory, '--name', 'n', '--controller', `${host}:${port}`, '--preset', 'open'];
  const { file, args } = programCommand('agent', [
    ...options,
    '--until-stdin-closes',
    '--log-level',
    'error',
  ]);
  return spawn(file, args, {
    env: { ...process.env, DROVER_JOIN_TOKEN: formatJoinToken(cluster.token) },
  });
}

async function openSession(cluster: PeerCluster): Promise<PeerSession> {
  const session = await cluster.link.sessions.next();
  await session.expect('hello');
  session.welcome();
  return session;
}

test('drover agent says "ready" once it is let in, and ends when standard input does', async () => {
  await using cluster = await PeerCluster.start();
  await inDirectory(async (directory) => {
    const child = startAgent(cluster, directory);
    const exit = once(child, 'close');
    const stderr = text(child.stderr);
    await openSession(cluster);
    const [line] = await once(child.stdout, 'data');
    assert.equal(String(line), 'ready n\n');
    child.stdin.end();
    assert.deepEqual(await exit, [0, null]);
    assert.equal(await stderr, '');
  });
});

test('drover agent that is killed finds its tasks again, and their exit codes', async () => {
  await using cluster = await PeerCluster.start();
  await inDirectory(async (directory) => {
    const gate = join(directory, 'gate');
    execFileSync('sh', ['-c', 'mkfifo "$0"', gate]);
    const first = startAgent(cluster, directory);
    const killed = once(first, 'close');
    const session = await openSession(cluster);
    const argv = ['sh', '-c', 'read line < "$0"; exit 5', gate];
    const start = create(StartSchema, { taskId: 'taskaaaaaa', attempt: 1, spec: { argv } });
    session.say({ case: 'start', value: start });
    await attemptIn(TaskState.RUNNING, session);
    first.kill('SIGKILL');
    await killed;

    const second = startAgent(cluster, directory);
    const exit = once(second, 'close');
    const again = await openSession(cluster);
    await writeFile(gate, 'go\n');
    const ended = await attemptIn(TaskState.ENDED, again);
    assert.deepEqual(ended.outcome?.kind.value, { $typeName: 'drover.v1.Exited', code: 5 });
    second.stdin.end();
    assert.deepEqual(await exit, [0, null]);
  });
});

/** The first attempt in that state that the agent tells of. */
async function attemptIn(state: TaskState, session: PeerSession): Promise<Attempt> {
  for (;;) {
    const event = await session.expect('event');
    if (event.attempt?.state === state) return event.attempt;
  }
}

test('drover agent says who has its directory', async () => {
  await inDirectory(async (directory) => {
    using _lock = lockDirectory(directory, 'drover agent');
    const run = await runAgent(['--data', directory, '--name', 'n', '--join', token]);
    assert.equal(run.code, 1);
    assert.equal(run.stderr, `drover agent: ${directory} is in use by drover agent (pid ${process.pid})\n`);
  });
});
