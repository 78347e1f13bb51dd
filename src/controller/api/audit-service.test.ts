import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ChainCheck } from '#base/hash-chain.ts';
import type { AuditRecord } from '#controller/store/store.ts';
import { type AuditRow, AuditService } from '#protocol/gen/drover/v1/audit_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ApiFixture } from './testing/api-fixture.ts';
import { collect } from './testing/collect.ts';

const atMs = 1_700_000_000_000;

function record(who: string, more: Partial<AuditRecord> = {}): AuditRecord {
  const row = { verb: 'task.launch', decision: 'allowed', nodes: 'web[1-3]', targets: 'r1' } as const;
  return { ...row, atMs, who, request: '{"argv":["true"]}', reason: '', ...more };
}

async function start(...records: AuditRecord[]): Promise<ApiFixture> {
  const api = await ApiFixture.start();
  await api.parts.store.transact(async (writer) => {
    for (const each of records) await writer.insertAudit(each);
  });
  return api;
}

const brief = (rows: readonly AuditRow[]) => rows.map(({ sequence, who }) => `${sequence} ${who}`).join(', ');

describe('listAudit()', () => {
  const rows = [
    record('ada'),
    record('eve', { verb: 'task.signal', nodes: 'db1', decision: 'denied', reason: 'no' }),
    record('bob', { verb: 'node.manage', nodes: '', targets: '', atMs: atMs + 10 }),
    record('eve', { nodes: 'web2', atMs: atMs + 20 }),
  ];
  const queries: readonly (readonly [string, object, string])[] = [
    ['everything, newest first', {}, '4 eve, 3 bob, 2 eve, 1 ada'],
    ['by who', { users: ['ada', 'bob'] }, '3 bob, 1 ada'],
    ['by verb', { verbs: ['task.signal', 'node.manage'] }, '3 bob, 2 eve'],
    ['by the part of a verb before the dot', { verbs: ['task'] }, '4 eve, 2 eve, 1 ada'],
    ['by node, also as a part of a folded set', { nodes: 'web2' }, '4 eve, 1 ada'],
    ['by a glob', { nodes: 'd*' }, '2 eve'],
    ['what was denied', { denied: true }, '2 eve'],
    ['from a time on', { since: timestampFromMs(atMs + 1) }, '4 eve, 3 bob'],
    ['until a time', { until: timestampFromMs(atMs + 20) }, '3 bob, 2 eve, 1 ada'],
    ['all conditions together', { users: ['eve'], nodes: 'web*' }, '4 eve'],
  ];
  for (const [what, query, expected] of queries) {
    it(`selects ${what}`, async () => {
      await using api = await start(...rows);
      const { rows: found, nextPageToken } = await api.client(AuditService).listAudit({ query });
      assert.equal(brief(found), expected);
      assert.equal(nextPageToken, '');
    });
  }

  it('gives pages that neither repeat nor miss a row', async () => {
    await using api = await start(...rows);
    const client = api.client(AuditService);
    const first = await client.listAudit({ pageSize: 3 });
    await api.parts.store.transact((writer) => writer.insertAudit(record('new')));
    const second = await client.listAudit({ pageSize: 3, pageToken: first.nextPageToken });
    assert.equal(brief([...first.rows, ...second.rows]), '4 eve, 3 bob, 2 eve, 1 ada');
    assert.equal(second.nextPageToken, '');
  });

  it('looks at so many rows for one page, and says where to go on', async () => {
    const many = Array.from({ length: limits.auditScannedMax + 10 }, () => record('ada'));
    await using api = await start(record('eve'), ...many);
    const client = api.client(AuditService);
    const query = { users: ['eve'] };
    const first = await client.listAudit({ query });
    assert.deepEqual(first.rows, []);
    const second = await client.listAudit({ query, pageToken: first.nextPageToken });
    assert.equal(brief(second.rows), '1 eve');
  });

  it('refuses what it does not understand', async () => {
    await using api = await start();
    const client = api.client(AuditService);
    await assert.rejects(client.listAudit({ query: { verbs: ['launch'] } }), /there is no verb "launch"/);
    await assert.rejects(client.listAudit({ query: { nodes: '@role=web' } }), /has a label/);
    await assert.rejects(client.listAudit({ pageToken: 'x' }), /not a page token of the audit: "x"/);
    await assert.rejects(client.listAudit({ pageSize: 1_001 }), /a page can have 1000 rows/);
    const past = client.followAudit({ afterSequence: 7n });
    await assert.rejects(collect(past), /there is no row 7 of the audit: the latest is 0/);
  });
});

describe('followAudit()', () => {
  it('sends what there is, so that its chain can be checked', async () => {
    await using api = await start(...Array.from({ length: 450 }, (_, i) => record(`user${i}`)));
    const check = new ChainCheck();
    for await (const { kind } of api.client(AuditService).followAudit({})) {
      if (kind.case !== 'row') continue;
      const { who, verb, decision, nodes, targets, request, reason, hash } = kind.value;
      const content = { at: atMs, who, verb, decision, nodes, targets, request, reason };
      const sequence = Number(kind.value.sequence);
      assert.equal(check.add({ sequence, hash, content }), undefined);
    }
    assert.equal(check.sequence, 450);
  });

  it('goes on with rows that come, and resumes behind a number', async () => {
    await using api = await start(record('ada'), record('eve'));
    const seen: string[] = [];
    const abort = new AbortController();
    const stream = api
      .client(AuditService)
      .followAudit({ afterSequence: 1n, query: { users: ['eve'] }, follow: true }, { signal: abort.signal });
    for await (const { kind } of stream) {
      if (kind.case === 'row') seen.push(brief([kind.value]));
      else if (kind.value === 2n && seen.length === 1) {
        await api.parts.store.transact(async (writer) => {
          await writer.insertAudit(record('bob'));
          await writer.insertAudit(record('eve'));
        });
      }
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, ['2 eve', '4 eve']);
  });
});
