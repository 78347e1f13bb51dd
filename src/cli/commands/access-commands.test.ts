/** The commands about users, roles and tokens, over a real connection: what they ask, print and exit with. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import type { TestContextOptions } from '#cli/testing/test-context.ts';
import { RoleSchema, RoleService, UserService, UserTokenService } from '#protocol/gen/drover/v1/access_pb.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const ada = { name: 'ada', roles: ['operator', 'viewer'], createdAt: timestampFromMs(0), createdBy: 'admin' };
const token = { id: 'k3', user: 'ada', description: 'cron', createdAt: timestampFromMs(0) };

/** Every method, and what each was asked. */
async function call(words: string[], options: TestContextOptions = {}) {
  const asked: Record<string, unknown>[] = [];
  const note = <A>(method: string, { $typeName: _, ...rest }: Record<string, unknown>, answer: A) => {
    asked.push({ method, ...rest });
    return answer;
  };
  const routes = (router: ConnectRouter) => {
    router.service(UserService, {
      createUser: (request) => note('create', request, { ...ada, roles: request.roles }),
      listUsers: () => ({ users: [ada, { ...ada, name: 'bob', roles: [], disabled: true }] }),
      changeUser: (request) => note('change', request, { ...ada, disabled: request.disabled ?? false }),
      removeUser: (request) => note('remove', request, {}),
      whoAmI: () => ({ user: ada, token: { ...token, verbs: ['node.read'] } }),
      explainAccess: (request) =>
        note('explain', request, {
          decisions: [
            { nodes: 'web1', allowed: true, reason: 'rule 1 of role operator' },
            ...(request.nodes === 'web1' ? [] : [{ nodes: 'db1', reason: 'there is no role' }]),
          ],
        }),
    });
    router.service(RoleService, {
      createRole: ({ role, replace }) => note('role', { replace, rules: role?.rules.length }, role ?? {}),
      getRole: ({ name }) => create(RoleSchema, { name, builtIn: true, rules: [{ allow: ['all'] }] }),
      listRoles: () => ({ roles: [{ name: 'viewer', builtIn: true, rules: [{}] }] }),
      removeRole: (request) => note('remove role', request, {}),
    });
    router.service(UserTokenService, {
      createUserToken: (request) => note('token', request, { text: 'dvo1.k3.secret', recorded: token }),
      listUserTokens: (request) => note('tokens', request, { tokens: [token] }),
      revokeUserToken: (request) => note('revoke', request, {}),
    });
  };
  return { ...(await callWithApi(routes, words, options)), asked };
}

test('user create, grant, revoke, disable, enable and remove ask for that', async () => {
  const change = { method: 'change', name: 'ada', grant: [], revoke: [] };
  const cases: readonly [words: string, asked: object, printed: string][] = [
    ['create ada --role viewer', { method: 'create', name: 'ada', roles: ['viewer'] }, 'ada: viewer\n'],
    ['create ada', { method: 'create', name: 'ada', roles: [] }, 'ada: no role\n'],
    ['grant ada a b', { ...change, grant: ['a', 'b'] }, 'ada: operator, viewer\n'],
    ['revoke ada a', { ...change, revoke: ['a'] }, 'ada: operator, viewer\n'],
    ['disable ada', { ...change, disabled: true }, 'ada: operator, viewer; disabled\n'],
    ['enable ada', { ...change, disabled: false }, 'ada: operator, viewer\n'],
    ['remove ada', { method: 'remove', name: 'ada' }, 'removed ada\n'],
  ];
  for (const [words, asked, printed] of cases) {
    const called = await call(['user', ...words.split(' ')]);
    assert.deepEqual([called.code, called.stdout, called.asked], [0, printed, [asked]], words);
  }
  for (const words of ['create', 'grant', 'grant ada', 'revoke ada', 'disable', 'enable', 'remove']) {
    const { code, asked } = await call(['user', ...words.split(' ')]);
    assert.deepEqual([code, asked], [2, []], words);
  }
});

test('user list shows roles, and who is disabled', async () => {
  const { lines } = await call(['user', 'list']);
  assert.match(lines[1] ?? '', /^ada +operator,viewer +enabled /);
  assert.match(lines[2] ?? '', /^bob +- +disabled /);
  assert.equal((await call(['user', 'list', '-o', 'name'])).stdout, 'ada\nbob\n');
});

test('role create reads a file or standard input, and what role show prints', async (t) => {
  const text = 'name: web-ops\nrules:\n  - allow: [task.launch]\n    commands: [[ls, { rest: 2 }]]\n';
  const path = join(temporaryDirectory(t), 'role.yaml');
  writeFileSync(path, text);
  const asked = [{ method: 'role', replace: false, rules: 1 }];
  const fromFile = await call(['role', 'create', path]);
  assert.deepEqual([fromFile.stdout, fromFile.asked], ['recorded web-ops\n', asked]);
  const shown = await call(['role', 'show', 'admin']);
  assert.equal(shown.stdout, 'name: admin\nrules:\n  - allow:\n      - all\n');
  const input = Readable.from([shown.stdout]);
  assert.equal((await call(['role', 'create', '--replace', '-'], { input })).stdout, 'recorded admin\n');
});

test('role create says what is wrong with a file', async (t) => {
  const path = join(temporaryDirectory(t), 'role.yaml');
  const cases: readonly [text: string, message: RegExp][] = [
    ['name: [', /role\.yaml: not YAML: /],
    ['name: a\ncolour: red\n', /role\.yaml: no role: .*colour/],
    ['- a\n', /role\.yaml: no role: /],
    ['name: a\nrules: [{ allow: task.launch }]\n', /role\.yaml: no role: .*allow/],
  ];
  for (const [text, message] of cases) {
    writeFileSync(path, text);
    const { code, stderr, asked } = await call(['role', 'create', path]);
    assert.deepEqual([code, asked], [2, []]);
    assert.match(stderr, message);
    assert.equal(stderr.split('\n').length, 2);
  }
  assert.match(
    (await call(['role', 'create', '/nowhere'])).stderr,
    /cannot read \/nowhere: no such file or directory/,
  );
});

test('role list and remove', async () => {
  assert.match((await call(['role', 'list'])).lines[1] ?? '', /^viewer +1 +-$/);
  const { stdout, asked } = await call(['role', 'remove', 'web-ops']);
  assert.deepEqual([stdout, asked], ['removed web-ops\n', [{ method: 'remove role', name: 'web-ops' }]]);
});

test('token create prints the token on standard output alone', async () => {
  const words = 'token create --user ada --role viewer --verb node.read --verb task.read --ttl 90s'.split(
    ' ',
  );
  const { stdout, stderr, asked } = await call(words);
  assert.equal(stdout, 'dvo1.k3.secret\n');
  assert.equal(stderr, "It is ada's until it is revoked. It is a secret and is not shown again.\n");
  const roles = ['viewer'];
  const verbs = ['node.read', 'task.read'];
  const more = { description: '', ttlSeconds: 90n, neverExpires: false };
  assert.deepEqual(asked, [{ method: 'token', user: 'ada', roles, verbs, ...more }]);
});

test('token list and revoke', async () => {
  assert.match((await call(['token', 'list', '-a'])).lines[1] ?? '', /^k3 +ada +never +- +cron$/);
  assert.equal((await call(['token', 'list', '-a', '--user', 'ada'])).code, 2);
  for (const given of ['k3', 'dvo1.k3.secret']) {
    const { stdout, asked } = await call(['token', 'revoke', given]);
    assert.deepEqual([stdout, asked], ['revoked k3\n', [{ method: 'revoke', id: 'k3' }]]);
  }
});

test('whoami says who, where and until when', async () => {
  const { stdout } = await call(['whoami']);
  assert.match(stdout, /^user: +ada$/m);
  assert.match(stdout, /^roles: +operator, viewer$/m);
  assert.match(stdout, /^cluster: +127\.0\.0\.1:\d+$/m);
  assert.match(stdout, /^token: +k3, until it is revoked$/m);
  assert.match(stdout, /^only for the verbs: +node\.read$/m);
});

test('access explain prints each answer, and exits with 7 where one is no', async () => {
  const words = 'access explain ada task.launch -w web1,db1 --run-as web -- ls -l'.split(' ');
  const { code, stdout, asked } = await call(words);
  assert.equal(code, 7);
  assert.equal(stdout, 'web1: allowed: rule 1 of role operator\ndb1: denied: there is no role\n');
  const question = { user: 'ada', verb: 'task.launch', nodes: 'web1,db1', runAs: 'web', argv: ['ls', '-l'] };
  assert.deepEqual(asked, [{ method: 'explain', ...question }]);
  assert.equal((await call(['access', 'explain', 'ada', 'task.launch', '-w', 'web1'])).code, 0);
  assert.equal((await call(['access', 'explain', 'ada'])).code, 2);
});
