import assert from 'node:assert/strict';
import { it } from 'node:test';
import { UserDeskFixture } from '#controller/auth/testing/user-desk-fixture.ts';
import { makeUserToken } from '#controller/auth/user-tokens.ts';
import { limits } from '#protocol/limits.ts';
import { CallLimits } from './call-limits.ts';

const anywhere = '192.0.2.7';

/** A token that nobody has. */
function guess(): string {
  const scope = { description: '', roles: [], verbs: [], createdAtMs: 1, expiresAtMs: undefined };
  return makeUserToken({ user: 'nobody', ...scope }).text;
}

async function openLimits() {
  const desk = await UserDeskFixture.open();
  return { desk, callLimits: new CallLimits(desk), [Symbol.asyncDispose]: () => desk[Symbol.asyncDispose]() };
}

it('authenticate() looks at five bad tokens a minute from one address, and at no more', async () => {
  await using opened = await openLimits();
  const { desk, callLimits } = opened;
  const { text: fresh } = await desk.addUser('ada', []);
  const { text: known } = await desk.addUser('bob', []);
  assert.ok(await callLimits.authenticate(known, anywhere));
  for (let i = 0; i < limits.loginsPerMinute; i++) {
    assert.equal(await callLimits.authenticate(guess(), anywhere), undefined);
  }
  await assert.rejects(callLimits.authenticate(guess(), anywhere), { reason: 'LIMIT' });
  await assert.rejects(
    callLimits.authenticate(fresh, anywhere),
    { reason: 'LIMIT' },
    'whether it is good is not told',
  );
  assert.ok(await callLimits.authenticate(known, anywhere), 'who was in before is not shut out');
  assert.ok(await callLimits.authenticate(fresh, '192.0.2.8'));
  assert.throws(() => callLimits.takeLogin(anywhere), { reason: 'LIMIT' });
  await desk.clock.advance(60_000 / limits.loginsPerMinute);
  callLimits.takeLogin(anywhere);
  assert.throws(() => callLimits.takeLogin(anywhere), { reason: 'LIMIT' });
});

it('authenticate() looks at five bad secrets a minute for one token, from wherever', async () => {
  await using opened = await openLimits();
  const { desk, callLimits } = opened;
  const { text } = await desk.addUser('ada', []);
  const id = text.split('.')[1] ?? '';
  const wrong = () => guess().replace(/^dvo1\.[^.]+/, `dvo1.${id}`);
  for (let i = 0; i < limits.loginsPerMinute; i++) {
    assert.equal(await callLimits.authenticate(wrong(), `192.0.2.${i}`), undefined);
  }
  await assert.rejects(callLimits.authenticate(wrong(), '192.0.2.99'), { reason: 'LIMIT' });
});

it('authenticate() allows a user 200 calls a second, and from this machine as many as come', async () => {
  await using opened = await openLimits();
  const { desk, callLimits } = opened;
  const { text } = await desk.addUser('ada', []);
  for (let i = 0; i < limits.userCallsPerSecond; i++) await callLimits.authenticate(text, anywhere);
  await assert.rejects(callLimits.authenticate(text, '2001:db8::1'), { reason: 'LIMIT' });
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    assert.ok(await callLimits.authenticate(text, address));
  }
  await desk.clock.advance(1_000);
  assert.ok(await callLimits.authenticate(text, anywhere));
});
