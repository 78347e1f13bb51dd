import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memoryLog } from '#agent/testing/memory-log.ts';
import { FakeClock } from '#base/clock.ts';
import { type ChainContent, chainHash, chainStart } from '#base/hash-chain.ts';
import { limits } from '#protocol/limits.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { NodeAudit, type NodeDecision } from './node-audit.ts';

const launch: NodeDecision = { what: 'launch', decision: 'allowed', task: 'a', argv: ['true'] };

/** The rows of a directory, oldest first; fails where they are no chain. */
function chainIn(directory: string): ChainContent[] {
  let previous: string | undefined;
  const names = readdirSync(directory).sort((a, b) => ageOf(b) - ageOf(a));
  const lines = names.flatMap((name) => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n'));
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const { sequence, hash, previous: before, ...content } = JSON.parse(line) as Record<string, never>;
      assert.equal(before, previous ?? before);
      assert.equal(hash, chainHash(before ?? '', { sequence: Number(sequence), content }));
      previous = hash;
      return { sequence: Number(sequence), previous: before ?? '', ...content };
    });
}

const ageOf = (name: string) => Number(/\.(\d)\./.exec(name)?.[1] ?? 0);

function open(directory: string) {
  const log = memoryLog();
  return { log, audit: new NodeAudit(directory, new FakeClock(1_000), log.log) };
}

test('NodeAudit chains its rows over restarts, for its owner only', (t) => {
  const directory = join(temporaryDirectory(t), 'audit');
  for (const task of ['a', 'b']) {
    using audit = open(directory).audit;
    audit.record({ ...launch, task });
    audit.record({ what: 'signal', decision: 'denied', task, reason: 'no' });
  }
  const rows = chainIn(directory);
  assert.deepEqual(
    rows.map(({ sequence, what, task, decision }) => [sequence, what, task, decision]),
    [
      [1, 'launch', 'a', 'allowed'],
      [2, 'signal', 'a', 'denied'],
      [3, 'launch', 'b', 'allowed'],
      [4, 'signal', 'b', 'denied'],
    ],
  );
  assert.equal(rows[0]?.['previous'], chainStart);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.equal(statSync(join(directory, 'audit.jsonl')).mode & 0o777, 0o600);
});

test('NodeAudit cuts off what a crash has left of a row', (t) => {
  const directory = join(temporaryDirectory(t), 'audit');
  {
    using audit = open(directory).audit;
    audit.record(launch);
  }
  appendFileSync(join(directory, 'audit.jsonl'), '{"what":"lau');
  using audit = open(directory).audit;
  audit.record(launch);
  assert.deepEqual(
    chainIn(directory).map(({ sequence }) => sequence),
    [1, 2],
  );
});

test('NodeAudit keeps so many files of so many bytes, chained', (t) => {
  const directory = join(temporaryDirectory(t), 'audit');
  const argv = ['x'.repeat(limits.nodeAuditFileBytesMax / 4)];
  const count = 4 * (limits.nodeAuditFilesMax + 2);
  for (let i = 0; i < count; i++) {
    using audit = open(directory).audit;
    audit.record({ ...launch, argv });
  }
  assert.equal(readdirSync(directory).length, limits.nodeAuditFilesMax);
  for (const name of readdirSync(directory)) {
    assert.ok(statSync(join(directory, name)).size <= 1.25 * limits.nodeAuditFileBytesMax + 1_000);
  }
  assert.equal(chainIn(directory).at(-1)?.['sequence'], count);
});

test('NodeAudit takes secrets out, and says once that it cannot write', (t) => {
  const directory = join(temporaryDirectory(t), 'audit');
  const { audit, log } = open(directory);
  const token = `dvo1.abc.${'s'.repeat(43)}`;
  audit.record({ ...launch, argv: ['login', token], reason: `no ${token}` });
  const text = readFileSync(join(directory, 'audit.jsonl'), 'utf8');
  assert.ok(text.includes('dvo1.abc.[redacted]') && !text.includes('ssss'), text);
  assert.equal(chainIn(directory).length, 1);
  audit[Symbol.dispose]();
  audit.record(launch);
  audit.record(launch);
  assert.equal(log.records.filter(({ msg }) => msg === 'cannot write the audit of this node').length, 1);
  assert.ok(existsSync(directory));
});
