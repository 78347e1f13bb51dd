import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { systemClock } from '#base/clock.ts';
import { DirectoryHandle } from '#base/files/directory-handle.ts';
import { FrameQueue } from '#base/files/frame-queue.ts';
import { receiveTree } from '#base/files/receive-tree.ts';
import { sendTree } from '#base/files/send-tree.ts';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import type { TestContextOptions } from '#cli/testing/test-context.ts';
import {
  type CopyFromNodesRequest,
  type CopyFromNodesResponseSchema,
  type CopyToNodesRequest,
  type CopyToNodesResponseSchema,
  type CopyToNodesTarget,
  FileOutcome,
  FileService,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { CopyProgressSchema, type ReceiverFrame, type SenderFrame } from '#protocol/gen/drover/v1/file_pb.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

type ToNodes = MessageInitShape<typeof CopyToNodesResponseSchema>;
type FromNodes = MessageInitShape<typeof CopyFromNodesResponseSchema>;

/** An API with one node "web1", which keeps what is copied to it in `directory`, and gives what is in it. */
function nodeIn(directory: string, targets: CopyToNodesTarget[] = []) {
  async function* copyToNodes(requests: AsyncIterable<CopyToNodesRequest>): AsyncGenerator<ToNodes> {
    const frames = new FrameQueue<SenderFrame>(100);
    const target = Promise.withResolvers<CopyToNodesTarget>();
    const reading = (async () => {
      for await (const { kind } of requests) {
        if (kind.case === 'target') target.resolve(kind.value);
        else if (kind.case === 'sender') frames.put(kind.value);
      }
      frames.end();
    })();
    const asked = await target.promise;
    targets.push(asked);
    yield { kind: { case: 'selected', value: { nodes: ['web1'] } } };
    using handle = await DirectoryHandle.open(directory);
    const { put } = asked;
    const sink = {
      target: { directory: handle, ...(put?.destination ? { as: put.destination } : {}) },
      clock: systemClock,
      preserve: false,
      backup: false,
      dryRun: put?.dryRun ?? false,
      checksum: false,
      report: put?.report ?? false,
      setid: false,
    };
    let progress = create(CopyProgressSchema);
    for await (const frame of receiveTree(sink, frames.taken(), AbortSignal.timeout(10_000))) {
      if (frame.kind.case === 'want') yield { kind: frame.kind };
      else yield { kind: { case: 'receiver', value: { node: 'web1', frame } } };
      if (frame.kind.case === 'done') progress = frame.kind.value;
    }
    const outcome = progress.problems > 0n ? FileOutcome.FAILED : FileOutcome.DONE;
    yield { kind: { case: 'end', value: { node: 'web1', outcome, progress } } };
    await reading.catch(() => {});
  }

  async function* copyFromNodes(requests: AsyncIterable<CopyFromNodesRequest>): AsyncGenerator<FromNodes> {
    const asked = requests[Symbol.asyncIterator]();
    const first = await asked.next();
    const get = first.value?.kind.case === 'target' ? first.value.kind.value.get : undefined;
    yield { kind: { case: 'selected', value: { nodes: ['web1'] } } };
    using handle = await DirectoryHandle.open(directory);
    const tops = (get?.paths ?? []).map((name: string) => ({ directory: handle, name }));
    let done: ReceiverFrame | undefined;
    async function* wants(): AsyncGenerator<ReceiverFrame> {
      for (let step = await asked.next(); !step.done; step = await asked.next()) {
        const frame = step.value.kind.case === 'receiver' ? step.value.kind.value.frame : undefined;
        if (!frame) continue;
        if (frame.kind.case === 'done') done = frame;
        yield frame;
      }
    }
    const options = { tops, recursive: get?.recursive ?? false };
    for await (const frame of sendTree(options, wants(), AbortSignal.timeout(10_000))) {
      yield { kind: { case: 'sender', value: { node: 'web1', frame } } };
    }
    const progress = done?.kind.case === 'done' ? done.kind.value : create(CopyProgressSchema);
    const outcome = progress.problems > 0n ? FileOutcome.FAILED : FileOutcome.DONE;
    yield { kind: { case: 'end', value: { node: 'web1', outcome, progress } } };
  }

  return (router: ConnectRouter) => router.service(FileService, { copyToNodes, copyFromNodes });
}

/** Two directories, and a call between them. */
async function setUp(t: TestContext) {
  const directory = temporaryDirectory(t);
  const here = join(directory, 'here');
  const there = join(directory, 'there');
  await mkdir(here);
  await mkdir(there);
  return { here, there };
}

async function call(routes: (router: ConnectRouter) => void, words: string[], options?: TestContextOptions) {
  return await callWithApi(routes, words, options);
}

test('cp copies a directory with small and large files to a node, and counts them', async (t) => {
  const { here, there } = await setUp(t);
  await mkdir(join(here, 'app/conf'), { recursive: true });
  await writeFile(join(here, 'app/conf/a'), 'small');
  await writeFile(join(here, 'app/big'), Buffer.alloc(1_500_000, 7));
  const { code, stderr, stdout } = await call(nodeIn(there), ['cp', '-r', join(here, 'app'), 'web1:']);
  assert.deepEqual([code, stdout], [0, '']);
  assert.equal(stderr, 'copied to 1 node · 4 entries, 1.4 MiB\n');
  assert.equal(await readFile(join(there, 'app/conf/a'), 'utf8'), 'small');
  assert.ok((await readFile(join(there, 'app/big'))).equals(Buffer.alloc(1_500_000, 7)));
});

test('cp sends standard input under the name of the destination', async (t) => {
  const { there } = await setUp(t);
  const targets: CopyToNodesTarget[] = [];
  const input = Readable.from([Buffer.from('from a '), Buffer.from('pipe')]);
  const { code } = await call(nodeIn(there, targets), ['cp', '--mode', '0640', '-', 'web1:dump'], { input });
  assert.equal(code, 0);
  assert.equal(await readFile(join(there, 'dump'), 'utf8'), 'from a pipe');
  assert.equal(targets[0]?.put?.mode, 0o640);
  const unsaid = Readable.from([Buffer.from('again')]);
  await call(nodeIn(there, targets), ['cp', '-', 'web1:dump'], { input: unsaid });
  assert.equal(targets[1]?.put?.mode, 0o644);
});

test('cp --dry-run says what would be done, and does nothing', async (t) => {
  const { here, there } = await setUp(t);
  await writeFile(join(here, 'a'), 'new');
  await writeFile(join(here, 'b'), 'new');
  await writeFile(join(there, 'b'), 'old');
  const words = ['cp', '-n', join(here, 'a'), join(here, 'b'), 'web1:'];
  const { code, lines, stderr } = await call(nodeIn(there), words);
  assert.equal(code, 0);
  assert.match(lines.join('\n'), /^web1: new {7}\S*a\nweb1: replaced {2}\S*b\n$/);
  assert.match(stderr, /^would be copied to 1 node · /);
  assert.deepEqual(await readdir(there), ['b']);
  assert.equal(await readFile(join(there, 'b'), 'utf8'), 'old');
});

test('cp names what it cannot read here, and sends the rest', async (t) => {
  const { here, there } = await setUp(t);
  await mkdir(join(here, 'd'));
  await writeFile(join(here, 'a'), 'x');
  const { code, stderr } = await call(nodeIn(there), ['cp', join(here, 'a'), join(here, 'd'), 'web1:']);
  assert.equal(code, 5);
  assert.match(stderr, /^drover: d: is a directory, /);
  assert.deepEqual(await readdir(there), ['a']);
  const absent = await call(nodeIn(there), ['cp', join(here, 'absent'), 'web1:']);
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /^drover: cannot read \S*absent: no such file or directory\n$/);
});

test('cp follows a link that is named here, and copies those within a tree as links', async (t) => {
  const { here, there } = await setUp(t);
  await mkdir(join(here, 'v1'));
  await writeFile(join(here, 'v1/a'), 'x');
  await symlink('a', join(here, 'v1/b'));
  await symlink('v1', join(here, 'current'));
  const { code } = await call(nodeIn(there), ['cp', '-r', join(here, 'current'), 'web1:']);
  assert.equal(code, 0);
  assert.deepEqual((await readdir(join(there, 'current'))).sort(), ['a', 'b']);
});

test('cp from one plain node goes to the very path, from a set beneath the name of each node', async (t) => {
  const { here, there } = await setUp(t);
  await writeFile(join(there, 'app.log'), 'logged');
  const one = await call(nodeIn(there), ['cp', 'web1:app.log', join(here, 'mine.log')]);
  assert.deepEqual([one.code, one.stderr], [0, 'copied from 1 node · 1 entry, 6 B\n']);
  assert.equal(await readFile(join(here, 'mine.log'), 'utf8'), 'logged');
  const into = await call(nodeIn(there), ['cp', 'web1:app.log', here]);
  assert.equal(into.code, 0);
  assert.equal(await readFile(join(here, 'app.log'), 'utf8'), 'logged');
  const set = await call(nodeIn(there), ['cp', 'web*:app.log', join(here, 'logs')]);
  assert.equal(set.code, 0);
  assert.equal(await readFile(join(here, 'logs/web1/app.log'), 'utf8'), 'logged');
});

test('cp from a node says what cannot be written here', async (t) => {
  const { here, there } = await setUp(t);
  await writeFile(join(there, 'a'), 'x');
  const { code, stderr } = await call(nodeIn(there), ['cp', 'web1:a', join(here, 'absent/')]);
  assert.equal(code, 5);
  assert.match(stderr, /^drover: web1: \S+absent\/ is no directory\n1 failed\n$/);
});

test('cp -o jsonl prints what is told of each node', async (t) => {
  const { here, there } = await setUp(t);
  await writeFile(join(here, 'a'), 'x');
  const { lines, code } = await call(nodeIn(there), ['cp', '-o', 'jsonl', join(here, 'a'), 'web1:']);
  const told = lines.filter((line) => line !== '').map((line) => Object.keys(JSON.parse(line))[0]);
  assert.equal(code, 0);
  assert.equal(told[0], 'selected');
  assert.equal(told.at(-1), 'end');
});
