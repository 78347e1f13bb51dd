/** What a store must do with the tokens of joining nodes. */
import assert from 'node:assert/strict';
import type { StoreTest } from './fixture.ts';
import { joinToken, madeAtMs } from './records.ts';

/** Declares the tests. */
export function tokensContract(test: StoreTest): void {
  test('consumeJoinToken() takes one use, and only with the right hash and in time', async (store) => {
    const token = joinToken('j1', { usesLeft: 2 });
    await store.transact((writer) => writer.insertJoinToken(token));
    const consume = (hash: string, nowMs: number, id = 'j1') =>
      store.transact((writer) => writer.consumeJoinToken(id, hash, nowMs));
    assert.equal(await consume('hash of another', madeAtMs), false);
    assert.equal(await consume(token.secretHash, madeAtMs, 'j2'), false);
    assert.equal(await consume(token.secretHash, token.expiresAtMs), false);
    assert.deepEqual(await store.read.findJoinToken('j1'), token);
    assert.equal(await consume(token.secretHash, token.expiresAtMs - 1), true);
    assert.deepEqual(await store.read.findJoinToken('j1'), { ...token, usesLeft: 1 });
    assert.equal(await consume(token.secretHash, madeAtMs), true);
    assert.equal(await consume(token.secretHash, madeAtMs), false);
    assert.deepEqual(await store.read.findJoinToken('j1'), { ...token, usesLeft: 0 });
  });

  test('consumeJoinToken() lets as many in as the token has uses, however many try at once', async (store) => {
    const token = joinToken('j1', { usesLeft: 3 });
    await store.transact((writer) => writer.insertJoinToken(token));
    const tries = Array.from({ length: 20 }, () =>
      store.transact((writer) => writer.consumeJoinToken('j1', token.secretHash, madeAtMs)),
    );
    assert.equal((await Promise.all(tries)).filter((taken) => taken).length, 3);
  });

  test('listJoinTokens() gives the usable ones, newest first', async (store) => {
    const old = joinToken('j1');
    const recent = joinToken('j2', { createdAtMs: madeAtMs + 1 });
    const used = joinToken('j3', { usesLeft: 0 });
    const expired = joinToken('j4', { expiresAtMs: madeAtMs });
    await store.transact(async (writer) => {
      for (const token of [old, recent, used, expired]) await writer.insertJoinToken(token);
    });
    assert.deepEqual(await store.read.listJoinTokens(madeAtMs), [recent, old]);
  });

  test('revokeJoinToken() makes a token useless, once', async (store) => {
    const token = joinToken('j1');
    await store.transact((writer) => writer.insertJoinToken(token));
    assert.equal(await store.transact((writer) => writer.revokeJoinToken('j1')), true);
    assert.equal(await store.transact((writer) => writer.revokeJoinToken('j1')), false);
    const taken = store.transact((writer) => writer.consumeJoinToken('j1', token.secretHash, madeAtMs));
    assert.equal(await taken, false);
  });
}
