/** Senders that mean no good: what the receiver refuses, and that nothing is left of it. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { FileKind, type SenderFrame, SenderFrameSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { sinkOptions } from '#test/fixture/copy-tree.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { DirectoryHandle } from './directory-handle.ts';
import { receiveTree } from './receive-tree.ts';
import { digestOf } from './source-file.ts';

type Frame = NonNullable<MessageInitShape<typeof SenderFrameSchema>['kind']>;

/** What a sender that says just these frames brings about. */
async function receive(
  to: string,
  frames: readonly Frame[],
  options: Parameters<typeof sinkOptions>[1] = {},
) {
  using target = await DirectoryHandle.open(to);
  async function* sender(): AsyncGenerator<SenderFrame> {
    for (const kind of frames) yield create(SenderFrameSchema, { kind });
  }
  const problems: string[] = [];
  const { signal } = new AbortController();
  for await (const { kind } of receiveTree(sinkOptions(target, options), sender(), signal)) {
    if (kind.case === 'problem') problems.push(`${kind.value.path}: ${kind.value.error}`);
  }
  return problems;
}

const file = (path: string, text = 'x'): Frame => ({
  case: 'entry',
  value: { path, kind: FileKind.REGULAR, size: BigInt(text.length), mode: 0o644, content: Buffer.from(text) },
});
const large = (path: string, size: number): Frame => ({
  case: 'entry',
  value: { path, kind: FileKind.REGULAR, size: BigInt(size), mode: 0o644 },
});
const folder = (path: string): Frame => ({
  case: 'entry',
  value: { path, kind: FileKind.DIRECTORY, mode: 0o755 },
});
const link = (path: string, linkTarget: string): Frame => ({
  case: 'entry',
  value: { path, kind: FileKind.SYMLINK, linkTarget },
});
const digests = (...list: Uint8Array[]): Frame => ({ case: 'digests', value: { digests: list } });
const end: Frame = { case: 'end', value: {} };

function twoDirectories(t: TestContext) {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  mkdirSync(from);
  mkdirSync(to);
  return { from, to };
}

test('receiveTree() takes no path that leads out of its target', async (t) => {
  const { from, to } = twoDirectories(t);
  writeFileSync(join(from, 'secret'), 'untouched');
  const bad = [
    '/etc/x',
    '../from/secret',
    'a/../../from/secret',
    '.',
    '..',
    '',
    'a//b',
    './a',
    'a/.',
    'nul\0byte',
  ];
  const deep = Array.from({ length: 300 }, () => 'd').join('/');
  const frames = [
    ...bad.map((path) => file(path)),
    file('n'.repeat(256)),
    file(deep),
    file(`${'x/'.repeat(2_100)}y`),
    file('orphan/file'),
    link('way', from),
    file('way/secret'),
    folder('way/below'),
  ];
  const problems = await receive(to, [...frames, end]);
  assert.equal(problems.length, frames.length - 1, problems.join('\n'));
  assert.deepEqual(readdirSync(to), ['way']);
  assert.deepEqual(readdirSync(from), ['secret']);
  assert.equal(readFileSync(join(from, 'secret'), 'utf8'), 'untouched');
});

test('receiveTree() refuses entries that contradict themselves, and says so of each', async (t) => {
  const to = temporaryDirectory(t);
  const problems = await receive(to, [
    { case: 'entry', value: { path: 'short', kind: FileKind.REGULAR, size: 5n, content: Buffer.from('x') } },
    { case: 'entry', value: { path: 'huge', kind: FileKind.REGULAR, size: 2n ** 63n } },
    { case: 'problem', value: { path: 'huge', error: 'too large' } },
    { case: 'entry', value: { path: 'device', kind: FileKind.OTHER } },
    { case: 'entry', value: { path: 'nothing' } },
    link('empty', ''),
    link('long', 'x'.repeat(5_000)),
    file('good'),
    end,
  ]);
  assert.equal(problems.length, 6, problems.join('\n'));
  assert.deepEqual(readdirSync(to), ['good']);
});

test('receiveTree() ends with a sender that breaks the rules, and nothing half is left', async (t) => {
  const to = temporaryDirectory(t);
  writeFileSync(join(to, 'big'), 'old');
  const chunk = Buffer.alloc(20_000, 1);
  const entry = large('big', 20_000);
  const data = (index: number): Frame => ({
    case: 'chunk',
    value: { ref: { entry: 0, index }, data: chunk },
  });
  for (const [frames, error] of [
    [[data(0)], /chunk that nobody wanted/],
    [[entry, data(0)], /chunk that nobody wanted/],
    [[entry, digests(digestOf(chunk), digestOf(chunk))], /digests of chunks that there are not/],
    [[digests(digestOf(chunk))], /digests of chunks that there are not/],
    [[entry, digests(Buffer.alloc(31))], /no digest/],
    [[entry, file('next')], /left out digests/],
    [[entry, end], /left out digests/],
    [[entry, digests(digestOf(chunk)), end, file('late')], /goes on after the end/],
    [[entry], /went away/],
    [[], /went away/],
  ] as const) {
    await assert.rejects(receive(to, frames), error);
    assert.equal(readFileSync(join(to, 'big'), 'utf8'), 'old');
    assert.deepEqual(readdirSync(to).sort(), ['big'], String(error));
  }
});
