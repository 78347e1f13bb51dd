import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { createLog } from '#base/log.ts';
import { auditRecord } from '#controller/store/contract/records.ts';
import { openSqliteStore } from '#controller/store/open-store.ts';
import type { Store } from '#controller/store/store.ts';
import { limits } from '#protocol/limits.ts';
import { until } from '#test/fixture/until.ts';
import { type CheckpointPlace, syslogSink } from './checkpoint-sink.ts';
import { startCheckpoints } from './checkpoints.ts';

class Fixture implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), 'drover-checkpoints-'));
  readonly clock = new FakeClock();
  /** What the log says. */
  readonly logged: string[] = [];
  readonly #stack = new AsyncDisposableStack();
  #store: Store | undefined;

  static async start(): Promise<Fixture> {
    const fixture = new Fixture();
    fixture.#stack.defer(() => rmSync(fixture.path, { recursive: true }));
    fixture.#store = fixture.#stack.use(await openSqliteStore({ path: join(fixture.path, 'drover.db') }));
    return fixture;
  }

  get store(): Store {
    if (!this.#store) throw new Error('not started');
    return this.#store;
  }

  get directory(): string {
    return join(this.path, 'audit');
  }

  async audit(count: number): Promise<void> {
    for (let i = 0; i < count; i++)
      await this.store.transact((writer) => writer.insertAudit(auditRecord('ada')));
  }

  begin(places: readonly CheckpointPlace[] = [], keyFile?: string): Promise<AsyncDisposable> {
    const log = createLog('test', 'silent');
    log.error = (_: unknown, line = '') => void this.logged.push(String(line));
    log.warn = log.error;
    const { directory, store, clock } = this;
    return startCheckpoints({ directory, keyFile, places, store, clock, log });
  }

  /** Sequences that were signed in a directory. */
  signed(directory = join(this.directory, 'checkpoints')): number[] {
    if (!existsSync(directory)) return [];
    const names = readdirSync(directory).filter((name) => name.endsWith('.jsonl'));
    const lines = names
      .sort()
      .flatMap((name) => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n'));
    return lines.map((line) => (JSON.parse(line) as { sequence: number }).sequence);
  }

  /** Lets minutes pass until something is so. */
  minutesUntil(what: string, isSo: () => boolean): Promise<void> {
    return until(what, async () => {
      await this.clock.advance(limits.auditCheckpointMs);
      return isSo();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

it('a checkpoint is signed at the start, a minute after news, after a thousand rows, and at the end', async () => {
  await using fixture = await Fixture.start();
  await fixture.audit(2);
  const checkpoints = await fixture.begin();
  await until('it is signed', () => fixture.signed().length === 1);
  await fixture.audit(1);
  await fixture.minutesUntil('it is signed', () => fixture.signed().length === 2);
  await fixture.audit(limits.auditCheckpointRows);
  await until('it is signed', () => fixture.signed().length === 3);
  await fixture.clock.advance(10 * limits.auditCheckpointMs);
  await fixture.audit(1);
  await checkpoints[Symbol.asyncDispose]();
  assert.deepEqual(fixture.signed(), [2, 3, 1003, 1004]);
  assert.deepEqual(fixture.logged, []);
});

it('the key is for its owner only, made once, and may be given', async () => {
  await using fixture = await Fixture.start();
  const path = join(fixture.directory, 'key.pem');
  await (await fixture.begin())[Symbol.asyncDispose]();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const pem = readFileSync(path, 'utf8');
  await (await fixture.begin())[Symbol.asyncDispose]();
  assert.equal(readFileSync(path, 'utf8'), pem);

  const given = join(fixture.path, 'given.pem');
  await assert.rejects(fixture.begin([], given), /^AuditKeyError: there is no key of the audit in /);
  writeFileSync(given, pem, { mode: 0o600 });
  await (await fixture.begin([], given))[Symbol.asyncDispose]();
  chmodSync(given, 0o640);
  await assert.rejects(fixture.begin([], given), /others than its owner can read the key/);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const wrong = join(fixture.path, 'wrong.pem');
  writeFileSync(wrong, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await assert.rejects(fixture.begin([], wrong), /is not Ed25519$/);
});

it('a start says when the audit is not what was signed last', async () => {
  await using fixture = await Fixture.start();
  await fixture.audit(3);
  await (await fixture.begin())[Symbol.asyncDispose]();
  await (await fixture.begin())[Symbol.asyncDispose]();
  assert.deepEqual(fixture.logged, []);
  const { DatabaseSync } = await import('node:sqlite');
  using database = new DatabaseSync(join(fixture.path, 'drover.db'));
  database.exec('delete from audit where sequence = 3');
  await (await fixture.begin())[Symbol.asyncDispose]();
  assert.match(fixture.logged.join(), /^the audit is not what was signed last/);
});

it('a place that cannot be written to gets the newest checkpoint later', async () => {
  await using fixture = await Fixture.start();
  const apart = join(fixture.path, 'apart');
  writeFileSync(apart, 'a file');
  const checkpoints = await fixture.begin([{ to: 'directory', path: apart }]);
  await fixture.audit(1);
  await fixture.minutesUntil('it was tried', () => fixture.logged.length > 0);
  await fixture.audit(1);
  rmSync(apart);
  await fixture.minutesUntil('it is there', () => fixture.signed(apart).length > 0);
  await checkpoints[Symbol.asyncDispose]();
  assert.equal(fixture.signed(apart).at(-1), 2);
  assert.ok(readdirSync(apart).some((name) => name.endsWith('.pem')));
});

it('a web address is posted to, and asked again when it refuses', async () => {
  await using fixture = await Fixture.start();
  await fixture.audit(1);
  const bodies: string[] = [];
  let status = 500;
  const server = createServer(async (request, response) => {
    bodies.push((await request.setEncoding('utf8').toArray()).join(''));
    response.writeHead(status).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/audit`;
  const checkpoints = await fixture.begin([{ to: 'url', url }]);
  await until('it was tried', () => bodies.length === 1 && fixture.logged.length === 1);
  status = 204;
  await fixture.minutesUntil('it was tried again', () => bodies.length === 2);
  await checkpoints[Symbol.asyncDispose]();
  server.close();
  for (const body of bodies) assert.equal((JSON.parse(body) as { sequence: number }).sequence, 1);
});

it('syslogSink() hands the line to logger, and says when that failed', async () => {
  await using fixture = await Fixture.start();
  const program = join(fixture.path, 'logger');
  const script = (code: number) => `#!/bin/sh\nprintf '%s|' "$@" > ${fixture.path}/logged\nexit ${code}\n`;
  writeFileSync(program, script(0), { mode: 0o755 });
  const { signal } = new AbortController();
  await syslogSink(program).write('{"a":1}', 0, signal);
  const logged = readFileSync(join(fixture.path, 'logged'), 'utf8');
  assert.equal(logged, '-t|drover-audit|-p|authpriv.notice|--|{"a":1}|');
  writeFileSync(program, script(3));
  await assert.rejects(syslogSink(program).write('x', 0, signal), /ended with 3/);
  await assert.rejects(syslogSink(join(fixture.path, 'none')).write('x', 0, signal), /ENOENT/);
});
