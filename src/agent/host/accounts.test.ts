import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { Accounts, parsePasswdEntry } from './accounts.ts';

test("Accounts.find() finds this process's own user, with groups", async () => {
  const { username, uid, gid, homedir } = userInfo();
  const account = await new Accounts(new FakeClock()).find(username);
  assert.ok('found' in account, JSON.stringify(account));
  assert.deepEqual([account.found.uid, account.found.gid, account.found.home], [uid, gid, homedir]);
  assert.ok(account.found.groups.includes(gid));
});

test('Accounts.find() says who is missing, and takes no number and no option for a name', async () => {
  const accounts = new Accounts(new FakeClock());
  for (const name of ['no-such-user-here', '0', '--help', '']) {
    assert.deepEqual(await accounts.find(name), {
      missing: `user ${name}: no such user on this node`,
      errno: 2,
    });
  }
});

test('Accounts.find() remembers for five seconds', async () => {
  const clock = new FakeClock();
  const accounts = new Accounts(clock);
  const first = accounts.find('root');
  await clock.advance(4_999);
  assert.equal(accounts.find('root'), first);
  await clock.advance(1);
  const second = accounts.find('root');
  assert.notEqual(second, first);
  await Promise.all([first, second]);
});

test('parsePasswdEntry() fills what may be empty', () => {
  assert.deepEqual(parsePasswdEntry('bob:x:7:8:Bob::\n'), {
    name: 'bob',
    uid: 7,
    gid: 8,
    home: '/',
    shell: '/bin/sh',
  });
  assert.equal(parsePasswdEntry(''), undefined);
});
