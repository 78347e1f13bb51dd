/** `drover login --oidc` against a real identity provider: the person confirms in a browser, and is in with the roles of their groups. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { drover, startDrover } from '#test/fixture/drover-command.ts';
import {
  confirmInBrowser,
  startTestProvider,
  type TestProvider,
} from '#test/identity-provider/identity-provider.ts';

const directory = mkdtempSync(join(tmpdir(), 'drover-test-'));
const data = join(directory, 'controller');
const person = { data: '', env: { XDG_CONFIG_HOME: join(directory, 'config') } };
const cleanup = new AsyncDisposableStack();
let provider: TestProvider;
let address: string;

before(async () => {
  cleanup.defer(() => rmSync(directory, { recursive: true, force: true }));
  provider = cleanup.use(await startTestProvider());
  const file = join(directory, 'oidc.yaml');
  writeFileSync(join(directory, 'secret'), provider.clientSecret);
  const roles = 'roles: { web-team: [viewer] }';
  const client = `issuer: ${provider.issuer}\nclientId: ${provider.clientId}\nclientSecretFile: secret`;
  writeFileSync(file, `${client}\nscopes: [profile, groups]\n${roles}\n`);
  const listen = ['--listen', '127.0.0.1:0', '--agent-listen', '127.0.0.1:0'];
  const controller = startDrover(['controller', '--data', data, ...listen, '--oidc', file], { data });
  const closed = once(controller, 'close');
  cleanup.defer(async () => {
    controller.kill('SIGTERM');
    await closed;
  });
  assert.ok(controller.stdout);
  const [ready] = (await once(createInterface({ input: controller.stdout }), 'line')) as [string];
  address = /^ready https:\/\/(\S+)/.exec(ready)?.[1] ?? '';
});

after(() => cleanup.disposeAsync());

test('a person logs in by the identity provider, with what their groups stand for', async () => {
  provider.people.set('7', { name: 'ada', groups: ['web-team'] });
  const admin = await drover(['ca', 'show', '--data', data], { data });
  const pin = /^pin: +(\S+)$/m.exec(admin.stdout)?.[1] ?? '';
  const login = startDrover(['login', '--oidc', address, '--pin', pin], person);
  const closed = once(login, 'close') as Promise<[number | null]>;
  assert.ok(login.stdout && login.stderr);
  let printed = '';
  login.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  for await (const line of createInterface({ input: login.stderr })) {
    const complete = /^or (http\S+) where it is filled in\.$/.exec(line)?.[1];
    if (complete !== undefined) await confirmInBrowser(complete, '7');
  }
  assert.equal((await closed)[0], 0);
  assert.match(printed, /^logged in to 127\.0\.0\.1:\d+ as ada until 20/);
  assert.match((await drover(['whoami'], person)).stdout, /^user: +ada\nroles: +viewer$/m);
  assert.equal((await drover(['user', 'list'], person)).code, 7);
  const users = await drover(['user', 'list', '--data', data], { data });
  assert.match(users.stdout, /^ada +viewer +enabled .* login$/m);
  assert.ok(!readFileSync(join(data, 'drover.db')).includes(provider.clientSecret));
});
