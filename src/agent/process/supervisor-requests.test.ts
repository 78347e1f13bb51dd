/** The client's requests on the real supervisor: what a fake could only repeat. */
import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { supervisorPath, version } from '#base/installation.ts';
import { silentLog } from '#test/fixture/task-node.ts';
import { startSupervisor } from './start-supervisor.ts';
import { SupervisorClient } from './supervisor-client.ts';
import { SupervisorConnection, type SupervisorNotice } from './supervisor-connection.ts';
import { SupervisorRefusedError } from './supervisor-errors.ts';
import { type SupervisorBody, signalScopes, supervisorErrors } from './supervisor-messages.ts';

const sigkill = 9;

/** A supervisor in a temporary directory, and what it said; nothing of it is left in the end. */
class Supervised {
  readonly directory: string;
  readonly client: SupervisorClient;
  /** What each said that was connected to. */
  readonly servers: SupervisorBody<'helloOk'>[] = [];
  readonly #said: SupervisorNotice[] = [];
  #heard = Promise.withResolvers<void>();

  private constructor(directory: string) {
    this.directory = directory;
    const random = Math.random;
    const binary = supervisorPath();
    this.client = new SupervisorClient({ directory, binary, clock: systemClock, log: silentLog, random });
  }

  /** In a directory that may have a supervisor already. */
  static async make(t: TestContext, directory?: string): Promise<Supervised> {
    const supervised = new Supervised(directory ?? (await mkdtemp(join(tmpdir(), 'drover-supervised-'))));
    t.after(() => supervised.#end());
    await supervised.client.connect({
      synchronize: (_, server) => void supervised.servers.push(server),
      notice: (notice) => supervised.#hear(notice),
    });
    return supervised;
  }

  async start(id: string, script: string): Promise<void> {
    await this.client.start(orderOf(this.directory, id, script));
  }

  /** The notice of that name about that attempt, once it came. */
  async until<N extends SupervisorNotice['name']>(name: N, id: string): Promise<SupervisorBody<N>> {
    for (;;) {
      const found = this.#said.find((notice) => notice.name === name && notice.body.id === id);
      if (found) return found.body as SupervisorBody<N>;
      await this.#heard.promise;
    }
  }

  #hear(notice: SupervisorNotice): void {
    this.#said.push(notice);
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }

  async #end(): Promise<void> {
    for (const { id, empty, lost, notStarted } of await this.client.list()) {
      if (!empty && !lost && !notStarted) {
        await this.client.signal(id, sigkill, signalScopes.tree).catch(() => {});
        await this.until('empty', id);
      }
      await this.client.acknowledge(id).catch(() => {});
    }
    assert.ok(await this.client.shutdown());
    await this.client[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true });
  }
}

function orderOf(directory: string, id: string, script: string): SupervisorBody<'start'> {
  return {
    id,
    ...{ flags: 0, uid: 0, gid: 0, groups: [], umask: 0o22, nice: 0, oomScoreAdj: 0, rlimits: [] },
    ...{ cpuMillis: 0, memoryBytes: 0n, processes: 0, rows: 0, columns: 0, cwd: '/', stdin: '' },
    stdout: join(directory, 'stdout'),
    stderr: join(directory, 'stderr'),
    path: '/bin/sh',
    argv: ['sh', '-c', script],
    env: ['PATH=/usr/bin:/bin'],
  };
}

/** Of another version, and as long. */
const otherVersion = version.replaceAll(/\d/g, '9');

/** A copy of the supervisor's binary that says it is of another version. */
async function ofVersion(directory: string, other: string): Promise<string> {
  const bytes = await readFile(supervisorPath());
  const at = bytes.indexOf(`\0${version}\0`);
  assert.ok(at > 0);
  bytes.write(other, at + 1);
  const path = join(directory, 'drover-supervisor-other');
  await writeFile(path, bytes, { mode: 0o755 });
  return path;
}

function isRefusal(code: number): (error: Error) => boolean {
  return (error) => error instanceof SupervisorRefusedError && error.code === code;
}

test('SupervisorClient.release() lets a leftover stay until it ends by itself', async (t) => {
  const supervised = await Supervised.make(t);
  const { client } = supervised;
  await supervised.start('a', 'sleep 1000 & exit 3');
  const { leftovers } = await supervised.until('exited', 'a');
  assert.equal(leftovers.length, 1);
  await client.release('a');
  await client.release('a');
  process.kill(leftovers[0]?.pid ?? 0, 'SIGTERM');
  await supervised.until('empty', 'a');
  await assert.rejects(client.acknowledge('a'), isRefusal(supervisorErrors.noAttempt));
});

test('SupervisorClient.sample() and punch() of a running attempt', async (t) => {
  const supervised = await Supervised.make(t);
  const { client } = supervised;
  await supervised.start('a', 'head -c 1048576 /dev/zero; sleep 1000');
  await supervised.until('started', 'a');
  let sample = await client.sample('a');
  while (sample.stdoutBytes < 1_048_576n) sample = await client.sample('a');
  assert.ok(sample.processes >= 1 && sample.threads >= 1 && sample.rssBytes > 0n);
  await client.punch('a', 1, 524_288n);
  await using file = await open(join(supervised.directory, 'stdout'), 'r');
  const { size, blocks } = await file.stat();
  assert.equal(size, 1_048_576);
  assert.ok(blocks * 512 < size);
  await assert.rejects(client.release('a'), isRefusal(supervisorErrors.busy));
  await assert.rejects(client.sample('b'), isRefusal(supervisorErrors.noAttempt));
});

test('SupervisorClient.connect() upgrades a supervisor of another version, whose tasks do not notice', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-supervised-'));
  await startSupervisor(await ofVersion(directory, otherVersion), directory);
  const before = await SupervisorConnection.open(directory, systemClock, () => {});
  assert.equal(before.server.binaryVersion, otherVersion);
  await before.connection.request('start', orderOf(directory, 'a', 'sleep 1000'), 'ok');
  const supervised = await Supervised.make(t, directory);
  const connected = supervised.servers.at(-1);
  assert.equal(connected?.binaryVersion, version);
  assert.equal(connected?.pid, before.server.pid);
  assert.ok(await before.connection.closed);
  assert.ok((await supervised.client.sample('a')).processes > 0);
});

test('the supervisor says the version of the package', async (t) => {
  const { servers } = await Supervised.make(t);
  assert.deepEqual(
    servers.map(({ binaryVersion }) => binaryVersion),
    [version],
  );
});
