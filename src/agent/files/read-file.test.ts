import assert from 'node:assert/strict';
import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '#base/clock.ts';
import { FileNode } from '#test/fixture/file-node.ts';

/** What `path` is read as. */
async function read(node: FileNode, path: string, value: object): Promise<string> {
  const { text, problems, done } = await node.ask({ case: 'read', value: { path, ...value } });
  assert.deepEqual(problems, []);
  assert.equal(done, 1n);
  return text;
}

test('readFile() reads the beginning and the end of a file, in lines and in bytes, as head and tail do', async (t) => {
  const node = FileNode.make(t);
  const path = join(node.workspace, 'file');
  const line = fc.string({ maxLength: 5 }).map((text) => text.replaceAll('\n', '.'));
  // Long ones, so that lines go over the blocks in which a file is read.
  const long = fc.constantFrom('x'.repeat(70_000), 'y'.repeat(65_536), 'z'.repeat(65_535));
  const lines = fc.array(fc.oneof({ weight: 9, arbitrary: line }, long), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(lines, fc.boolean(), fc.integer({ min: 1, max: 14 }), async (texts, ended, count) => {
      const text = texts.join('\n') + (ended ? '\n' : '');
      writeFileSync(path, text);
      const all = text === '' ? [] : text.split(/(?<=\n)/);
      assert.equal(await read(node, 'file', {}), text);
      assert.equal(await read(node, 'file', { headLines: BigInt(count) }), all.slice(0, count).join(''));
      assert.equal(await read(node, 'file', { tailLines: BigInt(count) }), all.slice(-count).join(''));
      const bytes = Buffer.from(text);
      assert.equal(
        await read(node, 'file', { headBytes: BigInt(count) }),
        bytes.subarray(0, count).toString(),
      );
      assert.equal(await read(node, 'file', { tailBytes: BigInt(count) }), bytes.subarray(-count).toString());
    }),
    { numRuns: 60 },
  );
});

test('readFile() reads files that have no size', async (t) => {
  const node = FileNode.make(t, '{read: [/], write: []}');
  assert.match(await read(node, `/proc/${process.pid}/status`, {}), /^Name:/);
});

test('readFile() refuses what contradicts itself', async (t) => {
  const node = FileNode.make(t);
  writeFileSync(join(node.workspace, 'file'), '');
  const value = { path: 'file', headLines: 1n };
  await assert.rejects(
    node.ask({ case: 'read', value: { ...value, tailLines: 1n } }),
    /only one of head and tail/,
  );
  await assert.rejects(
    node.ask({ case: 'read', value: { ...value, follow: true } }),
    /beginning of a file cannot be/,
  );
});

/** A file that is followed; each call says what came since. */
async function follow(t: TestContext, tailLines: bigint) {
  const clock = new FakeClock();
  const node = FileNode.make(t, '', clock);
  const path = join(node.workspace, 'log');
  writeFileSync(path, 'one\ntwo\n');
  const abort = new AbortController();
  const value = { path: 'log', follow: true, tailLines };
  const frames = node.carryOut({ case: 'read', value }, undefined, abort.signal);
  const next = async () => {
    const step = frames.next();
    let settled = false;
    const settle = () => {
      settled = true;
    };
    step.then(settle, settle);
    // Each look costs some turns of the event loop: the test runner ends one that never comes.
    while (!settled) await clock.advance(250);
    const { value: frame } = (await step) as IteratorYieldResult<{ kind: { value?: unknown } }>;
    const answer = frame?.kind.value as { kind: { case: string; value: Uint8Array & { error?: string } } };
    return answer.kind.case === 'data' ? Buffer.from(answer.kind.value).toString() : answer.kind.value.error;
  };
  return { path, frames, next, abort };
}

test('readFile() follows a file as it grows, through its rotation and its truncation, and says which', async (t) => {
  const { path, frames, next, abort } = await follow(t, 1n);
  assert.equal(await next(), 'two\n');
  appendFileSync(path, 'three\n');
  assert.equal(await next(), 'three\n');
  renameSync(path, `${path}.1`);
  appendFileSync(`${path}.1`, 'last of the old\n');
  assert.equal(await next(), 'last of the old\n');
  writeFileSync(path, 'first of the new\n');
  assert.equal(await next(), 'another file has its name: that is read from its start');
  assert.equal(await next(), 'first of the new\n');
  truncateSync(path, 0);
  appendFileSync(path, 'short\n');
  assert.equal(await next(), 'was cut short: it goes on from its start');
  assert.equal(await next(), 'short\n');
  abort.abort();
  assert.equal((await frames.next()).done, true);
});
