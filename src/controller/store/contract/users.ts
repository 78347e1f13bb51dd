/** What a store must do with users, their tokens and roles. */
import assert from 'node:assert/strict';
import { create } from '@bufbuild/protobuf';
import type { RoleRecord, UserRecord, UserTokenRecord } from '#controller/store/store.ts';
import { RuleSchema } from '#protocol/gen/drover/v1/access_pb.ts';
import type { StoreTest } from './fixture.ts';
import { madeAtMs, rejectsWith } from './records.ts';

const ada: UserRecord = {
  name: 'ada',
  roles: ['viewer', 'web-ops'],
  disabled: false,
  subject: '',
  createdBy: 'admin',
  createdAtMs: madeAtMs,
};

const forever: UserTokenRecord = {
  id: 't1',
  user: 'ada',
  description: 'for the night',
  roles: ['viewer'],
  verbs: ['node.read'],
  secretHash: 'h1',
  createdAtMs: madeAtMs,
  expiresAtMs: undefined,
  usedAtMs: undefined,
};

/** Declares the tests. */
export function usersContract(test: StoreTest): void {
  test('users are found by name and by subject, and changed', async (store) => {
    const bob = { ...ada, name: 'bob', roles: [], subject: 'issuer#1' };
    await store.transact(async (writer) => {
      await writer.insertUser(bob);
      await writer.insertUser(ada);
    });
    assert.deepEqual(await store.read.listUsers(), [ada, bob]);
    assert.deepEqual(await store.read.findUserBySubject('issuer#1'), bob);
    assert.equal(await store.read.findUserBySubject(''), undefined);
    const disabled = { ...bob, disabled: true, roles: ['viewer'] };
    await store.transact((writer) => writer.updateUser(disabled));
    assert.deepEqual(await store.read.findUser('bob'), disabled);
    for (const taken of [ada, { ...bob, name: 'carl' }]) {
      await rejectsWith(
        store.transact((writer) => writer.insertUser(taken)),
        'duplicate',
      );
    }
    await rejectsWith(
      store.transact((writer) => writer.updateUser({ ...ada, name: 'nobody' })),
      'failed',
    );
  });

  test('tokens of users are found by id, listed while they are good, and go with their user', async (store) => {
    const expiring = {
      ...forever,
      id: 't2',
      secretHash: 'h2',
      expiresAtMs: madeAtMs + 1,
      createdAtMs: madeAtMs + 1,
    };
    const other = { ...forever, id: 't3', secretHash: 'h3', user: 'bob' };
    await store.transact(async (writer) => {
      await writer.insertUser(ada);
      await writer.insertUser({ ...ada, name: 'bob' });
      for (const token of [forever, expiring, other]) await writer.insertUserToken(token);
    });
    const { read } = store;
    assert.deepEqual(await read.findUserToken('t2'), expiring);
    assert.equal(await read.findUserToken('t4'), undefined);
    assert.deepEqual(await read.listUserTokens('ada', madeAtMs), [expiring, forever]);
    assert.deepEqual(await read.listUserTokens(undefined, madeAtMs + 1), [forever, other]);
    await rejectsWith(
      store.transact((writer) => writer.insertUserToken({ ...forever, id: 't4' })),
      'duplicate',
    );
    await store.transact((writer) =>
      writer.updateUserTokensUsed(
        new Map([
          ['t1', 7],
          ['t9', 8],
        ]),
      ),
    );
    assert.equal((await read.findUserToken('t1'))?.usedAtMs, 7);
    assert.equal(await store.transact((writer) => writer.revokeUserToken('t2')), true);
    assert.equal(await store.transact((writer) => writer.revokeUserToken('t2')), false);
    await store.transact(async (writer) => {
      await writer.insertUserToken(expiring);
      await writer.removeExpiredUserTokens('bob', madeAtMs + 1);
    });
    assert.ok(await read.findUserToken('t2'));
    await store.transact((writer) => writer.removeExpiredUserTokens('ada', madeAtMs + 1));
    assert.equal(await read.findUserToken('t2'), undefined);
    assert.ok(await read.findUserToken('t1'));
    await store.transact((writer) => writer.removeUser('ada'));
    assert.deepEqual(await read.listUserTokens(undefined, madeAtMs), [other]);
    assert.equal(await read.findUser('ada'), undefined);
  });
}

/** Declares the tests of roles. */
export function rolesContract(test: StoreTest): void {
  test('putRole() records a role, or replaces it', async (store) => {
    const role: RoleRecord = {
      name: 'web-ops',
      description: 'web',
      rules: [create(RuleSchema, { allow: ['node.read'], nodes: 'web*' })],
      revision: 'a',
      changedBy: 'admin',
      changedAtMs: madeAtMs,
    };
    const other = { ...role, name: 'a' };
    await store.transact(async (writer) => {
      await writer.putRole(role);
      await writer.putRole(other);
    });
    assert.deepEqual(await store.read.listRoles(), [other, role]);
    const changed = { ...role, description: '', revision: 'b', changedBy: 'ada' };
    await store.transact((writer) => writer.putRole(changed));
    assert.deepEqual(await store.read.findRole('web-ops'), changed);
    assert.equal(await store.transact((writer) => writer.removeRole('web-ops')), true);
    assert.equal(await store.transact((writer) => writer.removeRole('web-ops')), false);
    assert.equal(await store.read.findRole('web-ops'), undefined);
  });
}
