import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Readable, Writable } from 'node:stream';
import { it } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { programCommand, version } from '#base/installation.ts';
import type { Access } from '#controller/auth/access-file.ts';
import { ClusterService } from '#protocol/gen/drover/v1/api_pb.ts';

it('drover controller starts, answers with the access file, and stops when it is asked to', async () => {
  await using directory = await temporaryDirectory();
  await using controller = start(directory.path);
  const [, address, agents] = await controller.ready();
  assert.match(agents, /^127\.0\.0\.1:\d+$/);
  assert.match(controller.stderr(), /the admin token is in .*access\.json/);
  const access = await readAccess(directory.path);
  assert.equal(access.address, address);
  assert.ok(!controller.stderr().includes(access.token), 'the token is in no log');
  const answer = await callShutdown(access);
  assert.deepEqual(answer.activeTasks, []);
  assert.equal(await controller.exit(), 0);

  await using again = start(directory.path);
  await again.ready();
  const later = await readAccess(directory.path);
  assert.deepEqual([later.token, later.rootCertificate], [access.token, access.rootCertificate]);
  assert.doesNotMatch(again.stderr(), /admin token/);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  it(`drover controller stops cleanly on ${signal}`, async () => {
    await using directory = await temporaryDirectory();
    await using controller = start(directory.path);
    await controller.ready();
    controller.child.kill(signal);
    assert.equal(await controller.exit(), 0);
  });
}

it('drover controller reads the certificate of the site again on SIGHUP, and goes on', async () => {
  await using directory = await temporaryDirectory();
  await using elsewhere = await temporaryDirectory();
  await using maker = start(elsewhere.path);
  await maker.ready();
  const pki = await readFile(join(elsewhere.path, 'pki', 'controller.pem'));
  const site = join(directory.path, 'site.pem');
  await writeFile(site, pki);
  const data = join(directory.path, 'data');
  await using controller = start(data, '--tls-cert', site, '--tls-key', site, '--log-level', 'info');
  await controller.ready();
  controller.child.kill('SIGHUP');
  await controller.logged("the site's certificate was read again");
  await writeFile(site, 'spoiled');
  controller.child.kill('SIGHUP');
  await controller.logged('site.pem holds no certificate; the one before stays in use');
  controller.child.kill('SIGTERM');
  assert.equal(await controller.exit(), 0);
});

it('drover controller does not start with a certificate that it cannot use, or with half of one', async () => {
  await using directory = await temporaryDirectory();
  await using missing = start(directory.path, '--tls-cert', '/nowhere/a.pem', '--tls-key', '/nowhere/b.pem');
  assert.equal(await missing.exit(), 1);
  assert.match(
    missing.stderr(),
    /^drover controller: the site's certificate cannot be used: \/nowhere\/a\.pem cannot be read \(ENOENT\)/,
  );
  await using half = start(directory.path, '--tls-cert', '/nowhere/a.pem');
  assert.equal(await half.exit(), 2);
  assert.equal(half.stderr(), 'drover controller: --tls-cert and --tls-key need each other: give both\n');
});

it('drover controller --until-stdin-closes stops when standard input ends', async () => {
  await using directory = await temporaryDirectory();
  await using controller = start(directory.path, '--until-stdin-closes');
  await controller.ready();
  controller.child.stdin.end();
  assert.equal(await controller.exit(), 0);
});

it('drover controller says who holds its directory', async () => {
  await using directory = await temporaryDirectory();
  await using first = start(directory.path);
  await first.ready();
  await using second = start(directory.path);
  assert.equal(await second.exit(), 1);
  const holder = `drover controller (pid ${first.child.pid})`;
  assert.equal(second.stderr(), `drover controller: ${directory.path} is in use by ${holder}\n`);
});

it('drover controller says which port is in use, and frees the directory', async () => {
  await using directory = await temporaryDirectory();
  await using elsewhere = await temporaryDirectory();
  await using first = start(directory.path);
  const [, address, agents] = await first.ready();
  const taken = address.replace('https://', '');
  await using second = start(elsewhere.path, '--listen', taken);
  assert.equal(await second.exit(), 1);
  assert.equal(second.stderr(), `drover controller: cannot listen on ${taken}: address already in use\n`);
  await using third = start(elsewhere.path, '--agent-listen', agents);
  assert.equal(await third.exit(), 1);
  assert.equal(third.stderr(), `drover controller: cannot listen on ${agents}: address already in use\n`);
  await using fourth = start(elsewhere.path);
  await fourth.ready();
});

it('drover controller refuses a database of a newer version and leaves it alone', async () => {
  await using directory = await temporaryDirectory();
  {
    await using first = start(directory.path);
    await first.ready();
    first.child.kill('SIGTERM');
    await first.exit();
  }
  const database = new DatabaseSync(join(directory.path, 'drover.db'));
  database.exec("INSERT INTO kysely_migration VALUES ('9999-future', '2999-01-01T00:00:00Z')");
  database.close();
  await using second = start(directory.path);
  assert.equal(await second.exit(), 1);
  assert.match(second.stderr(), /^drover controller: .*newer.*\n$/);
});

it('drover controller prints help and version, and refuses nonsense with exit code 2', async () => {
  const cases = [
    [['--help'], 0, /^usage: drover controller/, /^$/],
    [['--version'], 0, new RegExp(`^${version}\n$`), /^$/],
    [['--listen', 'nowhere'], 2, /^$/, /--listen takes HOST:PORT.* not "nowhere"\n$/],
    [['--nope'], 2, /^$/, /^drover controller: .*--nope/],
  ] as const;
  for (const [argv, code, stdout, stderr] of cases) {
    await using program = new Program(argv);
    assert.equal(await program.exit(), code);
    assert.match(program.stdout(), stdout);
    assert.match(program.stderr(), stderr);
  }
});

/** The program, killed at the end of a test however that ends. */
class Program implements AsyncDisposable {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  #stdout = '';
  #stderr = '';
  readonly #closed: Promise<unknown[]>;

  constructor(argv: readonly string[]) {
    const { file, args } = programCommand('controller', argv);
    this.child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#closed = once(this.child, 'close');
  }

  stdout(): string {
    return this.#stdout;
  }

  stderr(): string {
    return this.#stderr;
  }

  /** The ready line: all of it, the API's address, the agents'. */
  async ready(): Promise<[string, string, string]> {
    const over = this.#closed.then(() => assert.fail(`it ended: ${this.#stderr}`));
    for (;;) {
      const match = /^ready (\S+) agents (\S+)\n$/.exec(this.#stdout);
      if (match) return [match[0], match[1] ?? '', match[2] ?? ''];
      await Promise.race([once(this.child.stdout, 'data'), over]);
    }
  }

  /** Resolves when its log says so. */
  async logged(text: string): Promise<void> {
    const over = this.#closed.then(() => assert.fail(`it ended: ${this.#stderr}`));
    while (!this.#stderr.includes(text)) await Promise.race([once(this.child.stderr, 'data'), over]);
  }

  /** Its exit code; a signal's name where one ended it. */
  async exit(): Promise<unknown> {
    const [code, signal] = await this.#closed;
    return signal ?? code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#closed;
  }
}

function start(data: string, ...options: string[]): Program {
  const ports = ['--listen', '--agent-listen'].flatMap((option) =>
    options.includes(option) ? [] : [option, '127.0.0.1:0'],
  );
  const level = options.includes('--log-level') ? [] : ['--log-level', 'error'];
  return new Program(['--data', data, ...ports, ...level, ...options]);
}

async function readAccess(data: string): Promise<Access> {
  return JSON.parse(await readFile(join(data, 'access.json'), 'utf8'));
}

function callShutdown({ address, rootCertificate, token }: Access) {
  const transport = createConnectTransport({
    httpVersion: '1.1',
    baseUrl: address,
    nodeOptions: { ca: rootCertificate, agent: false },
    interceptors: [
      (next) => (request) => {
        request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return createClient(ClusterService, transport).shutdown({});
}

async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'drover-controller-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
