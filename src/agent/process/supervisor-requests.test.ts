/** The client's requests on the real supervisor: what a fake could only repeat. */
import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { installationRoot, supervisorPath } from '#base/installation.ts';
import { silentLog } from '#test/fixture/task-node.ts';
import { SupervisorClient } from './supervisor-client.ts';
import type { SupervisorNotice } from './supervisor-connection.ts';
import { SupervisorRefusedError } from './supervisor-errors.ts';
import { type SupervisorBody, signalScopes, supervisorErrors } from './supervisor-messages.ts';

const sigkill = 9;

/** A supervisor in a temporary directory, and what it said; nothing of it is left in the end. */
class Supervised {
  readonly directory: string;
  readonly client: SupervisorClient;
  readonly versions: string[] = [];
  readonly #said: SupervisorNotice[] = [];
  #heard = Promise.withResolvers<void>();

  private constructor(directory: string, binary: string) {
    this.directory = directory;
    const random = Math.random;
    this.client = new SupervisorClient({ directory, binary, clock: systemClock, log: silentLog, random });
  }

  static async make(t: TestContext, binary = supervisorPath()): Promise<Supervised> {
    const supervised = new Supervised(await mkdtemp(join(tmpdir(), 'drover-supervised-')), binary);
    t.after(() => supervised.#end());
    await supervised.client.connect({
      synchronize: (_, server) => void supervised.versions.push(server.binaryVersion),
      notice: (notice) => supervised.#hear(notice),
    });
    return supervised;
  }

  async start(id: string, script: string): Promise<void> {
    await this.client.start(this.#order(id, script));
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

  #order(id: string, script: string): SupervisorBody<'start'> {
    return {
      id,
      ...{ flags: 0, uid: 0, gid: 0, groups: [], umask: 0o22, nice: 0, oomScoreAdj: 0, rlimits: [] },
      ...{ cpuMillis: 0, memoryBytes: 0n, processes: 0, rows: 0, columns: 0, cwd: '/', stdin: '' },
      stdout: join(this.directory, 'stdout'),
      stderr: join(this.directory, 'stderr'),
      path: '/bin/sh',
      argv: ['sh', '-c', script],
      env: ['PATH=/usr/bin:/bin'],
    };
  }
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

test('the supervisor says the version of the package', async (t) => {
  const { versions } = await Supervised.make(t);
  const { version } = JSON.parse(await readFile(join(installationRoot, 'package.json'), 'utf8'));
  assert.deepEqual(versions, [version]);
});
