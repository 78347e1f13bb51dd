import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { signCheckpoint } from '#base/audit-checkpoint.ts';
import { chainHash, chainStart } from '#base/hash-chain.ts';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import { ClusterService } from '#protocol/gen/drover/v1/api_pb.ts';
import {
  type AuditRow,
  AuditRowSchema,
  AuditService,
  type ListAuditRequest,
} from '#protocol/gen/drover/v1/audit_pb.ts';

const atMs = 1_700_000_000_000;

/** A whole chain of so many rows. */
function rowsOf(count: number): AuditRow[] {
  let previous = chainStart;
  return Array.from({ length: count }, (_, i) => {
    const row = {
      ...{ who: `user${i + 1}`, verb: 'task.launch', decision: 'allowed', nodes: 'web[1-3]', targets: 'r1' },
      ...{ request: '{"spec":{"argv":["echo","a b\\u001b[31m"]}}', reason: '' },
    };
    previous = chainHash(previous, { sequence: i + 1, content: { at: atMs, ...row } });
    const numbered = { sequence: BigInt(i + 1), at: timestampFromMs(atMs), hash: previous };
    return create(AuditRowSchema, { ...row, ...numbered });
  });
}

function serve(rows: readonly AuditRow[], asked: ListAuditRequest[] = []) {
  return (router: ConnectRouter) =>
    router
      .service(AuditService, {
        listAudit(request) {
          asked.push(request);
          const start = request.pageToken === '' ? 0 : Number(request.pageToken);
          const end = start + request.pageSize;
          const page = rows.toReversed().slice(start, end);
          return { rows: page, nextPageToken: end < rows.length ? String(end) : '' };
        },
        async *followAudit({ afterSequence }) {
          for (const row of rows) {
            if (row.sequence > afterSequence) yield { kind: { case: 'row', value: row } };
          }
        },
      })
      .service(ClusterService, { getCluster: () => ({ id: 'c' }) });
}

describe('drover audit', () => {
  test('prints the last rows, oldest first, and nothing that moves a cursor', async () => {
    const asked: ListAuditRequest[] = [];
    const words = ['audit', '-n', '2', '--user', 'ada', '-w', 'web1', '--verb', 'task', '--denied'];
    const { code, lines } = await callWithApi(serve(rowsOf(5), asked), words);
    assert.equal(code, 0);
    assert.equal(lines.length, 3);
    const line = /^ {4}4 {2}\S+T\S+ {2}allowed {2}user4 {2}task\.launch {2}web\[1-3\] {2}echo 'a b' {2}r1$/;
    assert.match(lines[0] ?? '', line);
    const { users, nodes, verbs, denied } = asked.at(-1)?.query ?? {};
    assert.deepEqual([users, nodes, verbs, denied], [['ada'], 'web1', ['task'], true]);
  });

  test('--since reads all of them, in every format', async () => {
    const table = await callWithApi(serve(rowsOf(60)), ['audit', '--since', '2023-01-01']);
    assert.equal(table.lines.length, 61);
    const jsonl = await callWithApi(serve(rowsOf(60)), ['audit', '--since', '2023-01-01', '-o', 'jsonl']);
    assert.equal(JSON.parse(jsonl.lines[59] ?? '').sequence, '60');
    const json = await callWithApi(serve(rowsOf(60)), ['audit', '-o', 'json']);
    assert.equal(JSON.parse(json.stdout).rows.length, 50);
  });

  test('refuses what has no end together with what has one', async () => {
    for (const words of [
      ['audit', '-f', '-o', 'json'],
      ['audit', '-f', '--until', '14:05'],
    ]) {
      const { code, stderr } = await callWithApi(serve([]), words);
      assert.equal(code, 2);
      assert.match(stderr, /^drover audit: .*has an end/);
    }
  });
});

describe('drover audit verify', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');

  /** Checkpoints of these rows, at these numbers, in a directory. */
  function checkpoints(rows: readonly AuditRow[], ...sequences: number[]) {
    const directory = mkdtempSync(join(tmpdir(), 'drover-checkpoints-'));
    writeFileSync(join(directory, 'key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    const lines = sequences.map((sequence) => {
      const { hash, at } = rows[sequence - 1] as AuditRow;
      const signedAtMs = at ? timestampMs(at) : 0;
      return `${signCheckpoint({ cluster: 'c', sequence, hash, atMs: signedAtMs }, privateKey)}\n`;
    });
    writeFileSync(join(directory, '2023-11-14.jsonl'), lines.join(''));
    return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
  }

  const rows = rowsOf(9);
  /** Row 4 is another, and everything behind it was hashed again. */
  const rewritten = () => {
    let previous = rows[2]?.hash ?? '';
    return rows.map(({ $typeName: _, $unknown: __, sequence, at, hash, ...row }, i) => {
      if (i < 3) return rows[i] as AuditRow;
      const content = { ...row, who: i === 3 ? 'nobody' : row.who };
      previous = chainHash(previous, { sequence: i + 1, content: { at: atMs, ...content } });
      return create(AuditRowSchema, { ...content, sequence, ...(at ? { at } : {}), hash: previous || hash });
    });
  };

  test('says how far rows and checkpoints fit', async () => {
    using place = checkpoints(rows, 3, 7);
    const words = ['audit', 'verify', '--checkpoints', place.directory];
    const { code, stdout } = await callWithApi(serve(rows), words);
    assert.equal(code, 0);
    const fit = '2 checkpoints fit, the last of 2023-11-14T22:13:20.000Z, 2 rows before the end';
    assert.equal(stdout, `9 rows, chained without a gap; ${fit}\n`);
    const alone = await callWithApi(serve(rows), ['audit', 'verify']);
    assert.match(
      alone.stdout,
      /^9 rows, chained without a gap; there was no checkpoint to compare them with/,
    );
  });

  const edited = rows.map((row) => (row.sequence === 4n ? { ...row, who: 'nobody' } : row));
  const cases: readonly (readonly [string, readonly AuditRow[], string])[] = [
    ['an edited row', edited, 'row 4 is not what was recorded: it or the row before was changed'],
    ['a removed row', rows.toSpliced(4, 1), 'row 5 is missing'],
    ['a chain written anew', rewritten(), 'a row from 4 to 7 was changed and all behind it written anew'],
    ['a cut tail', rows.slice(0, 5), 'rows 6 to 7 are missing at the end: the checkpoint of 2023-11-14'],
  ];
  for (const [what, tampered, problem] of cases) {
    test(`notices ${what}, from the controller and in an export`, async () => {
      using place = checkpoints(rows, 3, 7);
      const words = ['audit', 'verify', '--checkpoints', place.directory];
      const online = await callWithApi(serve(tampered), words);
      assert.equal(online.code, 1);
      assert.ok(online.stderr.startsWith(`drover: the audit was tampered with: ${problem}`), online.stderr);
      const exported = await callWithApi(serve(tampered), ['audit', 'export']);
      const file = join(place.directory, 'export');
      writeFileSync(file, exported.stdout);
      const offline = await callWithApi(serve([]), [...words, file]);
      assert.equal(offline.stderr, online.stderr);
    });
  }

  test('trusts no checkpoint that another key has signed, or that was changed', async () => {
    using place = checkpoints(rows, 3, 7);
    const other = join(place.directory, 'other');
    writeFileSync(other, generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }));
    const words = ['audit', 'verify', '--checkpoints', place.directory];
    const { code, stderr } = await callWithApi(serve(rows), [...words, '--key', other]);
    assert.equal(code, 1);
    assert.match(stderr, /^drover: line 1 of .* is signed by a key that is not known here/);
  });
});
