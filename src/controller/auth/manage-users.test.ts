import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { RoleSchema } from '#protocol/gen/drover/v1/access_pb.ts';
import { limits } from '#protocol/limits.ts';
import { changeUser, createRole, createUser, removeRole, removeUser } from './manage-users.ts';
import { mintUserToken, revokeUserToken, type UserTokenRequest } from './mint-user-token.ts';
import { UserDeskFixture } from './testing/user-desk-fixture.ts';

async function openDesk() {
  const desk = await UserDeskFixture.open();
  const admin = await desk.operator((await desk.addUser('root', ['admin'])).text);
  return { desk, admin, [Symbol.asyncDispose]: () => desk[Symbol.asyncDispose]() };
}

const webOps = create(RoleSchema, { name: 'web-ops', rules: [{ allow: ['node.read'], nodes: 'web*' }] });

it('users are made, changed and removed, each with its audit row', async () => {
  await using opened = await openDesk();
  const { desk, admin } = opened;
  const ada = await createUser(desk, admin, { name: 'ada', roles: ['viewer', 'viewer'] });
  assert.deepEqual([ada.roles, ada.createdBy], [['viewer'], 'root']);
  const change = { grant: ['operator'], revoke: ['viewer', 'admin'], disabled: true };
  const changed = await changeUser(desk, admin, 'ada', change);
  assert.deepEqual([changed.roles, changed.disabled], [['operator'], true]);
  await removeUser(desk, admin, 'ada');
  assert.equal(await desk.store.read.findUser('ada'), undefined);
  const rows = await desk.store.read.listAudit(0, 10);
  assert.deepEqual(
    rows.map((row) => [
      row.who,
      row.verb,
      row.targets,
      (JSON.parse(row.request) as { method: string }).method,
    ]),
    ['CreateUser', 'ChangeUser', 'RemoveUser'].map((method) => ['root', 'user.manage', 'ada', method]),
  );
});

it('what cannot be done to users and roles is refused, and changes nothing', async () => {
  await using opened = await openDesk();
  const { desk, admin } = opened;
  await createRole(desk, admin, webOps, false);
  await createUser(desk, admin, { name: 'ada', roles: ['web-ops'] });
  const rows = (await desk.store.read.listAudit(0, 100)).length;
  const none = { grant: [], revoke: [], disabled: undefined };
  const refused: readonly [reason: string, work: () => Promise<unknown>][] = [
    ['INVALID', () => createUser(desk, admin, { name: 'Ada', roles: [] })],
    ['USER_EXISTS', () => createUser(desk, admin, { name: 'ada', roles: [] })],
    ['NO_SUCH_ROLE', () => createUser(desk, admin, { name: 'bob', roles: ['nosuch'] })],
    ['NO_SUCH_USER', () => changeUser(desk, admin, 'bob', { ...none, grant: ['viewer'] })],
    ['NO_SUCH_ROLE', () => changeUser(desk, admin, 'ada', { ...none, grant: ['nosuch'] })],
    ['INVALID', () => changeUser(desk, admin, 'ada', none)],
    ['INVALID', () => changeUser(desk, admin, 'root', { ...none, disabled: true })],
    ['INVALID', () => changeUser(desk, admin, 'root', { ...none, revoke: ['admin'] })],
    ['INVALID', () => removeUser(desk, admin, 'root')],
    ['NO_SUCH_USER', () => removeUser(desk, admin, 'bob')],
    ['ROLE_EXISTS', () => createRole(desk, admin, webOps, false)],
    ['INVALID', () => createRole(desk, admin, { ...webOps, name: 'viewer' }, true)],
    ['INVALID', () => createRole(desk, admin, { ...webOps, rules: [] }, true)],
    ['INVALID', () => createRole(desk, admin, undefined, true)],
    ['INVALID', () => removeRole(desk, admin, 'web-ops')],
    ['INVALID', () => removeRole(desk, admin, 'admin')],
    ['NO_SUCH_ROLE', () => removeRole(desk, admin, 'nosuch')],
  ];
  for (const [reason, work] of refused) await assert.rejects(work, { name: 'RefusedError', reason });
  assert.equal((await desk.store.read.listAudit(0, 100)).length, rows);
  assert.equal((await desk.store.read.findUser('root'))?.disabled, false);
});

it('a role can be replaced, but not by one after which nobody manages users', async () => {
  await using opened = await openDesk();
  const { desk, admin } = opened;
  const managing = create(RoleSchema, { name: 'managing', rules: [{ allow: ['user.manage'] }] });
  await createRole(desk, admin, managing, false);
  await createUser(desk, admin, { name: 'ada', roles: ['managing'] });
  await removeUser(desk, admin, 'root');
  await assert.rejects(createRole(desk, admin, { ...webOps, name: 'managing' }, true), { reason: 'INVALID' });
  await createRole(desk, admin, { ...managing, description: 'now with words' }, true);
  assert.equal((await desk.store.read.findRole('managing'))?.description, 'now with words');
});

const plain: UserTokenRequest = {
  user: '',
  description: '',
  roles: [],
  verbs: [],
  ttlSeconds: 0n,
  neverExpires: false,
};

it('a token that is made with another is good for no more and no longer than that one', async () => {
  await using opened = await openDesk();
  const { desk } = opened;
  const expiresAtMs = desk.clock.wallMs() + 3_600_000;
  const shown = { roles: ['viewer'], verbs: ['node.read', 'task.read'], expiresAtMs };
  const ada = await desk.operator((await desk.addUser('ada', ['viewer', 'operator'], shown)).text);
  const same = await mintUserToken(desk, ada, plain);
  assert.deepEqual(
    [same.record.roles, same.record.verbs, same.record.expiresAtMs],
    [['viewer'], ['node.read', 'task.read'], expiresAtMs],
  );
  const less = await mintUserToken(desk, ada, { ...plain, verbs: ['node.read'], ttlSeconds: 60n });
  assert.deepEqual(less.record.verbs, ['node.read']);
  assert.equal(less.record.expiresAtMs, desk.clock.wallMs() + 60_000);
  assert.equal((await desk.operator(less.text)).name, 'ada');
  const more: readonly [reason: string, more: Partial<UserTokenRequest>][] = [
    ['DENIED', { roles: ['operator'] }],
    ['DENIED', { verbs: ['task.launch'] }],
    ['DENIED', { ttlSeconds: 3_601n }],
    ['DENIED', { neverExpires: true }],
    ['DENIED', { user: 'root' }],
    ['INVALID', { roles: ['admin'] }],
    ['INVALID', { verbs: ['nosuch'] }],
    ['INVALID', { neverExpires: true, ttlSeconds: 1n }],
    ['INVALID', { ttlSeconds: 2n ** 63n }],
  ];
  for (const [reason, wish] of more) {
    await assert.rejects(
      mintUserToken(desk, ada, { ...plain, ...wish }),
      { reason },
      JSON.stringify(Object.keys(wish)),
    );
  }
});

it('who manages users makes and revokes tokens of others; others do not even learn which there are', async () => {
  await using opened = await openDesk();
  const { desk, admin } = opened;
  const ada = await desk.operator((await desk.addUser('ada', ['viewer'])).text);
  const { record, text } = await mintUserToken(desk, admin, { ...plain, user: 'ada', neverExpires: true });
  assert.deepEqual([record.user, record.expiresAtMs], ['ada', undefined]);
  assert.ok(!JSON.stringify(record).includes(text.split('.')[2] ?? '-'));
  await assert.rejects(mintUserToken(desk, admin, { ...plain, user: 'bob' }), { reason: 'NO_SUCH_USER' });
  await assert.rejects(revokeUserToken(desk, ada, admin.tokenId), { reason: 'NO_SUCH_TOKEN' });
  await revokeUserToken(desk, admin, record.id);
  await assert.rejects(revokeUserToken(desk, admin, record.id), { reason: 'NO_SUCH_TOKEN' });
  await revokeUserToken(desk, ada, ada.tokenId);
  await assert.rejects(mintUserToken(desk, ada, plain), { reason: 'NOT_AUTHENTICATED' });
});

it('a user has so many tokens at the most, and those that have expired are not among them', async () => {
  await using opened = await openDesk();
  const { desk } = opened;
  const ada = await desk.operator((await desk.addUser('ada', [])).text);
  for (let i = 1; i < limits.userTokensMax; i++)
    await mintUserToken(desk, ada, { ...plain, ttlSeconds: 60n });
  await assert.rejects(mintUserToken(desk, ada, plain), { reason: 'LIMIT' });
  await desk.clock.advance(60_000);
  await mintUserToken(desk, ada, plain);
  assert.equal((await desk.store.read.listUserTokens('ada', 0)).length, 2);
});
