import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { RuleSchema } from '#protocol/gen/drover/v1/access_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { usedEveryMs } from './authenticator.ts';
import { authorize } from './authorize.ts';
import { createAdminToken } from './first-admin.ts';
import { UserDeskFixture } from './testing/user-desk-fixture.ts';

it('authenticate() knows the user of a good token, and of no other', async () => {
  await using desk = await UserDeskFixture.open();
  const { authenticator } = desk;
  const token = await createAdminToken(desk.store, desk.clock);
  assert.match(token, /^dvo1\.[a-z2-7]{8}\.[\w-]{43}$/);
  const operator = await authenticator.authenticate(token);
  assert.equal(operator?.name, 'admin');
  assert.equal(authorize(operator, Verb.USER_MANAGE, {}).allowed, true);
  const [, id, secret = ''] = token.split('.');
  const others = [
    '',
    'dvo1',
    `dv1.${id}.${secret}`,
    `dvo1.${id}.${secret}.x`,
    `dvo1..${secret}`,
    `dvo1.other.${secret}`,
    `dvo1.${id}.${secret.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`,
    `${token}A`,
    token.slice(0, -1),
  ];
  for (const other of others) assert.equal(await authenticator.authenticate(other), undefined, other);
});

it('authenticate() takes no token that has expired, was revoked, or is of a user who is disabled or removed', async () => {
  await using desk = await UserDeskFixture.open();
  const ends: readonly ((id: string) => Promise<unknown>)[] = [
    async () => desk.clock.advance(1_000),
    (id) => desk.store.transact((writer) => writer.revokeUserToken(id)),
    async () => {
      const user = await desk.store.read.findUser('u2');
      if (user) await desk.store.transact((writer) => writer.updateUser({ ...user, disabled: true }));
    },
    () => desk.store.transact((writer) => writer.removeUser('u3')),
  ];
  for (const [index, end] of ends.entries()) {
    const expiresAtMs = index === 0 ? desk.clock.wallMs() + 1_000 : undefined;
    const { text, record } = await desk.addUser(`u${index}`, ['viewer'], { expiresAtMs });
    assert.equal((await desk.authenticator.authenticate(text))?.name, `u${index}`);
    await end(record.id);
    assert.equal(await desk.authenticator.authenticate(text), undefined, String(index));
  }
});

it('authenticate() gives what the roles are now, and of that what the token is for', async () => {
  await using desk = await UserDeskFixture.open();
  const { text } = await desk.addUser('ada', ['viewer', 'web'], {
    roles: ['web'],
    verbs: ['node.read', 'task.launch'],
  });
  const may = async (verb: Verb) => authorize(await desk.authenticator.authenticate(text), verb, {}).allowed;
  const put = (revision: string, allow: string[]) =>
    desk.store.transact((writer) =>
      writer.putRole({
        name: 'web',
        description: '',
        rules: [create(RuleSchema, { allow })],
        revision,
        changedBy: 'admin',
        changedAtMs: 1,
      }),
    );
  assert.equal(
    await may(Verb.NODE_READ),
    false,
    'the role is not there yet, and viewer is not for this token',
  );
  await put('a', ['task.launch', 'task.read']);
  assert.deepEqual([await may(Verb.NODE_READ), await may(Verb.TASK_LAUNCH)], [false, true]);
  assert.equal(await may(Verb.TASK_READ), false, 'the role allows it, the token does not');
  await put('b', ['node.read']);
  assert.deepEqual([await may(Verb.NODE_READ), await may(Verb.TASK_LAUNCH)], [true, false]);
});

it('authenticate() writes when a token was used, once a minute', async () => {
  await using desk = await UserDeskFixture.open();
  const { text, record } = await desk.addUser('ada', []);
  const used = async () => {
    await desk.authenticator.authenticate(text);
    await desk.store.transact(async () => {});
    return (await desk.store.read.findUserToken(record.id))?.usedAtMs;
  };
  const first = desk.clock.wallMs();
  assert.equal(await used(), first);
  await desk.clock.advance(usedEveryMs - 1);
  assert.equal(await used(), first);
  await desk.clock.advance(1);
  assert.equal(await used(), first + usedEveryMs);
});

it('createAdminToken() makes the user, and lets one in again who was disabled', async () => {
  await using desk = await UserDeskFixture.open();
  await createAdminToken(desk.store, desk.clock);
  const user = await desk.store.read.findUser('admin');
  assert.deepEqual([user?.roles, user?.createdBy], [['admin'], '']);
  if (user)
    await desk.store.transact((writer) => writer.updateUser({ ...user, roles: ['viewer'], disabled: true }));
  const token = await createAdminToken(desk.store, desk.clock);
  assert.equal((await desk.authenticator.authenticate(token))?.name, 'admin');
  assert.deepEqual((await desk.store.read.findUser('admin'))?.roles, ['admin', 'viewer']);
});
