import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { openSqliteStore } from '#controller/store/open-store.ts';
import type { Store } from '#controller/store/store.ts';
import { parseJoinToken } from '#core/join-token.ts';
import { type CertificateAuthority, openCertificateAuthority } from './certificate-authority.ts';
import { type JoinTokenWish, mintJoinToken } from './mint-join-token.ts';
import { redeemJoinToken } from './redeem-join-token.ts';
import { serverNames } from './server-names.ts';
import { makeNodeKey } from './testing/node-key.ts';
import { adminOperator } from './testing/test-operator.ts';

const plain: JoinTokenWish = { names: '', labels: {}, ttlSeconds: 0, uses: 0 };

it('mintJoinToken() gives a text that names the record, the secret and the root', async () => {
  await using desk = await openDesk();
  const { text, recorded } = await mint(desk, {
    labels: { role: 'web' },
    names: 'web[1-9]',
    ttlSeconds: 60,
    uses: 3,
  });
  const { id, secret, pin } = parseJoinToken(text);
  assert.equal(id, recorded.id);
  assert.equal(secret.length, 32);
  assert.deepEqual(Buffer.from(pin), Buffer.from(desk.authority.pin));
  const stored = await desk.store.read.findJoinToken(id);
  assert.equal(stored?.expiresAtMs, desk.clock.wallMs() + 60_000);
  assert.equal(stored?.usesLeft, 3);
  assert.ok(!JSON.stringify(stored).includes(text.split('.')[2] ?? '-'));
  const [audit] = await desk.store.read.listAudit(0, 10);
  assert.deepEqual([audit?.verb, audit?.targets, audit?.decision], ['token.create', id, 'allowed']);
});

const badWishes: readonly (readonly [string, Partial<JoinTokenWish>])[] = [
  ['a join token can live for 86400 s at the most, not 86401 s', { ttlSeconds: 86_401 }],
  ['a join token can let in 20000 nodes at the most, not 20001', { uses: 20_001 }],
  ['node set "web[" ends inside brackets at character 5', { names: 'web[' }],
  [
    'node set "@role=web" has a label, which a name alone does not have, at character 1',
    { names: '@role=web' },
  ],
  [
    'label "a b=c" is malformed: letters, digits and . _ / - only, 63 at the most',
    { labels: { 'a b': 'c' } },
  ],
  ['label "a=ü" is malformed: letters, digits and . _ / - only, 63 at the most', { labels: { a: 'ü' } }],
];
for (const [message, wish] of badWishes) {
  it(`mintJoinToken() refuses: ${message}`, async () => {
    await using desk = await openDesk();
    await assert.rejects(mint(desk, wish), { reason: 'INVALID', message });
    assert.deepEqual(await desk.store.read.listJoinTokens(desk.clock.wallMs()), []);
  });
}

it('redeemJoinToken() records the node with its key and the labels of the token', async () => {
  await using desk = await openDesk();
  const { text } = await mint(desk, { labels: { role: 'web' } });
  const key = await makeNodeKey();
  assert.equal((await redeem(desk, text, 'web1', key.request)).length, 2);
  const node = await desk.store.read.findNode('web1');
  assert.equal(node?.keyFingerprint, key.fingerprint);
  assert.deepEqual({ ...node?.labels }, { role: 'web' });
  const audit = await desk.store.read.listAudit(0, 10);
  assert.deepEqual([audit.at(-1)?.nodes, audit.at(-1)?.decision], ['web1', 'allowed']);
});

it('redeemJoinToken() refuses a token that was used, has expired, was revoked or never existed', async () => {
  await using desk = await openDesk();
  const used = await mint(desk);
  await redeem(desk, used.text, 'web1');
  const { id } = used.recorded;
  await refused(redeem(desk, used.text, 'web2'), 'TOKEN_REFUSED', `join token ${id} is used up`);

  const revoked = await mint(desk);
  await desk.store.transact((writer) => writer.revokeJoinToken(revoked.recorded.id));
  const unknown = 'the join token is not one of this cluster, or was revoked';
  await refused(redeem(desk, revoked.text, 'web2'), 'TOKEN_REFUSED', unknown);
  await refused(
    redeem(desk, revoked.text.replace(/^dv1\.\w+/, 'dv1.nosuchid'), 'web2'),
    'TOKEN_REFUSED',
    unknown,
  );

  const mine = await mint(desk);
  const wrongSecret = { ...parseJoinToken(mine.text), secret: new Uint8Array(32) };
  await refused(redeemParsed(desk, wrongSecret, 'web2'), 'TOKEN_REFUSED', unknown);

  await desk.clock.advance(3_600_000);
  const expired = new Date(desk.clock.wallMs()).toISOString();
  await refused(
    redeem(desk, mine.text, 'web2'),
    'TOKEN_REFUSED',
    `join token ${mine.recorded.id} expired at ${expired}`,
  );
  assert.equal(await desk.store.read.findNode('web2'), undefined);
});

it('redeemJoinToken() refuses names that the token does not allow, and names and keys that are taken', async () => {
  await using desk = await openDesk();
  const { text, recorded } = await mint(desk, { names: 'web[1-3]', uses: 2 });
  const message = `join token ${recorded.id} does not allow the name db1, only web[1-3]`;
  await refused(redeem(desk, text, 'db1'), 'NAME_REFUSED', message);
  const key = await makeNodeKey();
  await redeem(desk, text, 'web1', key.request);
  await refused(redeem(desk, text, 'web1'), 'NAME_REFUSED', 'another node has the name web1');
  const twice = 'web2 cannot join with a key that another node has';
  await refused(redeem(desk, text, 'web2', key.request), 'NAME_REFUSED', twice);
  await refused(redeem(desk, text, 'Web 2'), 'INVALID', '"Web 2" cannot be a node\'s name');
  const left = await desk.store.read.findJoinToken(recorded.id);
  assert.equal(left?.usesLeft, 1, 'a refused node uses nothing up');
});

it('redeemJoinToken() lets exactly one of many in with one token at the same moment', async () => {
  await using desk = await openDesk();
  const { text } = await mint(desk);
  const names = Array.from({ length: 10 }, (_, i) => `web${i}`);
  const results = await Promise.allSettled(names.map((name) => redeem(desk, text, name)));
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
  assert.equal((await desk.store.read.listNodes()).length, 1);
});

interface Desk extends AsyncDisposable {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly authority: CertificateAuthority;
}

async function openDesk(): Promise<Desk> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-join-'));
  const clock = new FakeClock(1_800_000_000_000);
  const names = serverNames([]);
  const authority = await openCertificateAuthority({ directory: join(directory, 'pki'), clock, names });
  const store = await openSqliteStore({ path: join(directory, 'drover.db') });
  return {
    store,
    clock,
    authority,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function mint(desk: Desk, wish: Partial<JoinTokenWish> = {}) {
  return mintJoinToken({ ...desk, pin: desk.authority.pin }, adminOperator, { ...plain, ...wish });
}

function redeem(desk: Desk, text: string, name: string, request?: Uint8Array) {
  return redeemParsed(desk, parseJoinToken(text), name, request);
}

async function redeemParsed(
  desk: Desk,
  { id, secret }: { id: string; secret: Uint8Array },
  name: string,
  request?: Uint8Array,
) {
  const certificateRequest = request ?? (await makeNodeKey()).request;
  return redeemJoinToken(desk, { tokenId: id, secret, name, certificateRequest });
}

async function refused(promise: Promise<unknown>, reason: string, message: string): Promise<void> {
  await assert.rejects(promise, { name: 'RefusedError', reason, message });
}
