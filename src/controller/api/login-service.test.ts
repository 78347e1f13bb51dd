/** Logins by a real identity provider, through the API to the token. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createIdentityProvider } from '#controller/auth/oidc/identity-provider.ts';
import type { OidcConfig } from '#controller/auth/oidc/oidc-config.ts';
import { LoginService, UserService } from '#protocol/gen/drover/v1/access_pb.ts';
import { NodeService } from '#protocol/gen/drover/v1/api_pb.ts';
import {
  confirmInBrowser,
  startTestProvider,
  type TestProvider,
} from '#test/identity-provider/identity-provider.ts';
import { ApiFixture } from './testing/api-fixture.ts';

let provider: TestProvider;

before(async () => {
  provider = await startTestProvider();
});
after(() => provider[Symbol.asyncDispose]());

function config(more: Partial<OidcConfig> = {}): OidcConfig {
  return {
    issuer: new URL(provider.issuer),
    clientId: provider.clientId,
    clientSecret: provider.clientSecret,
    scopes: ['openid', 'profile', 'groups'],
    nameClaim: 'preferred_username',
    rolesClaim: 'groups',
    roles: new Map([
      ['admins', ['admin']],
      ['web-team', ['viewer', 'operator']],
    ]),
    tokenTtlMs: 3_600_000,
    ...more,
  };
}

function startApi(more: Partial<OidcConfig> = {}): Promise<ApiFixture> {
  const made = config(more);
  return ApiFixture.start({ login: { config: made, provider: createIdentityProvider(made) } });
}

/** Logs in as somebody who does what they are told. @returns the token. */
async function logIn(api: ApiFixture, login: string, agree = true): Promise<string> {
  // So that nobody tries too often.
  await api.parts.clock.advance(60_000);
  const client = createClient(LoginService, api.anonymousTransport());
  for await (const { kind } of client.logInByDevice({ description: 'laptop' })) {
    if (kind.case === 'token') return kind.value.text;
    assert.ok(kind.case === 'prompt');
    assert.match(kind.value.code, /^[A-Z]{4}-[A-Z]{4}$/);
    await confirmInBrowser(kind.value.completeAddress, login, agree);
  }
  throw new Error('the stream ended without a token');
}

function isDenied(pattern: RegExp) {
  return (error: unknown) => {
    const { code, rawMessage } = ConnectError.from(error);
    assert.deepEqual([code, pattern.test(rawMessage)], [Code.PermissionDenied, true], rawMessage);
    return true;
  };
}

test('whoever the provider knows gets a token with the roles that their groups stand for', async () => {
  await using api = await startApi();
  provider.people.set('1', { name: 'Ada', groups: ['web-team', 'chess'] });
  const token = await logIn(api, '1');
  const { user, token: recorded } = await createClient(UserService, api.transport(token)).whoAmI({});
  assert.deepEqual([user?.name, user?.roles], ['ada', ['operator', 'viewer']]);
  assert.equal(user?.subject, `${provider.issuer}#1`);
  assert.equal(recorded?.description, 'laptop');
  const lifeSeconds = (recorded?.expiresAt?.seconds ?? 0n) - (recorded?.createdAt?.seconds ?? 0n);
  assert.equal(lifeSeconds, 3_600n);
  await createClient(NodeService, api.transport(token)).listNodes({});

  provider.people.set('1', { name: 'Lovelace', groups: ['admins'] });
  await logIn(api, '1');
  const after = await createClient(UserService, api.transport(token)).whoAmI({});
  assert.deepEqual(
    [after.user?.name, after.user?.roles],
    ['ada', ['admin']],
    'the subject counts, not the name',
  );
  const rows = (await api.parts.store.read.listAudit(0, 100)).filter(({ who }) => who === 'ada');
  assert.deepEqual(
    rows.map(({ verb, request }) => [verb, (JSON.parse(request) as { method: string }).method]),
    [
      ['self', 'LogInByDevice'],
      ['self', 'LogInByDevice'],
    ],
  );
});

test('who has no role, a name of another, none that can be, is disabled or does not agree, is denied', async () => {
  await using api = await startApi();
  await api.addUser('bob', 'viewer');
  provider.people.set('2', { name: 'carl', groups: ['chess'] });
  await assert.rejects(logIn(api, '2'), isDenied(/none of the groups of carl stands for a role/));
  provider.people.set('3', { name: 'bob', groups: ['admins'] });
  await assert.rejects(logIn(api, '3'), isDenied(/there is another user bob/));
  provider.people.set('4', { name: '../root', groups: ['admins'] });
  await assert.rejects(logIn(api, '4'), isDenied(/which cannot be the name of a user/));
  provider.people.set('5', { name: 'dora', groups: ['web-team'] });
  await logIn(api, '5');
  await api.client(UserService).changeUser({ name: 'dora', disabled: true });
  await assert.rejects(logIn(api, '5'), isDenied(/user dora is disabled/));
  await assert.rejects(logIn(api, '5', false), isDenied(/the login was refused at the identity provider/));
  const users = (await api.parts.store.read.listUsers()).map(({ name }) => name);
  assert.deepEqual(users, ['admin', 'bob', 'dora']);
});

test('a provider that is not there, or takes another for us, lets nobody in and says why', async () => {
  for (const [more, why] of [
    [{ issuer: new URL('http://127.0.0.1:1') }, /the identity provider cannot be used/],
    [{ clientSecret: 'wrong' }, /the identity provider cannot be used/],
  ] as const) {
    await using api = await startApi(more);
    await assert.rejects(logIn(api, '1'), (error) => {
      const { code, rawMessage } = ConnectError.from(error);
      assert.equal(code, Code.FailedPrecondition);
      assert.match(rawMessage, why);
      return true;
    });
  }
});
