import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import type { TestContextOptions } from '#cli/testing/test-context.ts';
import {
  FileOutcome,
  FileService,
  type ListNodeFilesRequest,
  type NodeFileAnswer,
  NodeFileAnswerSchema,
  type ReadNodeFileRequest,
  type RemoveNodeFilesRequest,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { type FileAnswerSchema, FileKind } from '#protocol/gen/drover/v1/file_pb.ts';

type AnswerKind = MessageInitShape<typeof FileAnswerSchema>['kind'];

const selected = (...nodes: string[]) =>
  create(NodeFileAnswerSchema, { kind: { case: 'selected', value: { nodes } } });
const from = (node: string, kind: AnswerKind) =>
  create(NodeFileAnswerSchema, { kind: { case: 'answer', value: { node, answer: { kind } } } });
const end = (node: string, outcome: FileOutcome = FileOutcome.DONE, reason = '') =>
  create(NodeFileAnswerSchema, { kind: { case: 'end', value: { node, outcome, reason } } });
const problem = (path: string, error: string): AnswerKind => ({ case: 'problem', value: { path, error } });
const bytes = (text: string): AnswerKind => ({ case: 'data', value: Buffer.from(text) });

/** Calls a command against an API whose file calls all give these answers. */
async function call(
  answers: readonly NodeFileAnswer[],
  words: readonly string[],
  options?: TestContextOptions,
) {
  const asked: unknown[] = [];
  async function* give(request: unknown) {
    asked.push(request);
    yield* answers;
  }
  const routes = (router: ConnectRouter) =>
    router.service(FileService, { removeFiles: give, listFiles: give, readFile: give });
  return { ...(await callWithApi(routes, words, options)), asked };
}

test('rm asks for the paths on the nodes, and counts how it went', async () => {
  const answers = [
    selected('web1', 'web2', 'web3'),
    from('web2', problem('a', 'no such file')),
    from('web3', problem('a', 'no such file')),
    end('web1'),
    end('web2', FileOutcome.FAILED),
    end('web3', FileOutcome.FAILED),
  ];
  const { code, stderr, stdout, asked } = await call(answers, ['rm', '-r', 'web[1-3]:a', '/b']);
  const [request] = asked as [RemoveNodeFilesRequest];
  assert.equal(request.target?.nodes, 'web[1-3]');
  assert.deepEqual(request.remove?.paths, ['a', '/b']);
  assert.equal(request.remove?.recursive, true);
  assert.equal(stdout, '');
  assert.equal(stderr, 'drover: web[2-3]: a: no such file\nremoved on 1 node · 2 failed\n');
  assert.equal(code, 5);
});

test('rm says why a node refused, was away or was never told of', async () => {
  const answers = [
    selected('web1', 'web2', 'web3', 'web4'),
    end('web1', FileOutcome.DENIED, 'the policy of the node does not allow /etc'),
    end('web2', FileOutcome.UNREACHABLE, 'not connected'),
    end('web3', FileOutcome.SKIPPED, 'drained: disk'),
  ];
  const { code, stderr } = await call(answers, ['rm', 'web[1-4]:/etc/passwd']);
  assert.deepEqual(stderr.split('\n'), [
    '1 denied · 1 skipped · 1 unreachable · 1 unknown',
    'the policy of the node does not allow /etc: web1',
    'drained: disk: web3',
    'not connected: web2',
    'the connection was lost before it was told: web4',
    '',
  ]);
  assert.equal(code, 7);
});

test('file ls shows names with a sign, or long lines, under the nodes where there are several', async () => {
  const file = {
    path: 'a\u001b[31m.conf',
    kind: FileKind.REGULAR,
    size: 220n,
    mode: 0o644,
    user: 'root',
    gid: 7,
  };
  const directory = { path: 'conf', kind: FileKind.DIRECTORY, mode: 0o755 };
  const link = { path: 'now', kind: FileKind.SYMLINK, linkTarget: 'conf' };
  const entries = [file, directory, link].map((value) => from('web1', { case: 'entry', value }));
  const answers = [selected('web1'), ...entries, end('web1')];
  const one = await call(answers, ['file', 'ls', 'web1:']);
  assert.equal(one.stdout, 'a.conf\nconf/\nnow@\n');
  assert.equal(one.stderr, '');
  assert.equal(one.code, 0);
  const [request] = one.asked as [ListNodeFilesRequest];
  assert.equal(request.list?.contents, true);
  const several = await call(answers, ['file', 'ls', '-l', 'web[1-2]:']);
  assert.match(several.stdout, /^web1: -rw-r--r-- root:7 {11} {9}220 - a\.conf\nweb1: drwxr-xr-x /);
  assert.match(several.stdout, /web1: l--------- .* now -> conf\n$/);
});

test('file stat -b shows equal files once', async () => {
  const value = { path: 'x', kind: FileKind.REGULAR, size: 3n, mode: 0o600, sha256: Buffer.alloc(32, 1) };
  const nodes = ['web1', 'web2'];
  const answers = [
    selected(...nodes),
    ...nodes.map((node) => from(node, { case: 'entry', value })),
    ...nodes.map((node) => end(node)),
  ];
  const { lines, code } = await call(answers, ['file', 'stat', '-b', '--checksum', 'web[1-2]:x']);
  assert.equal(lines[0], '── web[1-2] (2) · done');
  assert.deepEqual(lines.slice(1, 4), [
    'x',
    '  kind      regular file',
    '  size      3 bytes (3 B), 0 B on the disk',
  ]);
  assert.equal(lines[7], `  sha256    ${'01'.repeat(32)}`);
  assert.equal(code, 0);
});

test('file cat gives the very bytes of one node to a pipe, and lines with names of several', async () => {
  const answers = [selected('web1'), from('web1', bytes('a\u001b[2Jb\r\nc')), end('web1')];
  assert.equal((await call(answers, ['file', 'cat', 'web1:x'])).stdout, 'a\u001b[2Jb\r\nc');
  assert.equal((await call(answers, ['file', 'cat', 'web1:x'], { columns: 80 })).stdout, 'ab\nc\n');
  assert.equal((await call(answers, ['file', 'cat', 'web[1-2]:x'])).stdout, 'web1: ab\nweb1: c\n');
});

test('file head and tail ask for lines or bytes', async () => {
  const answers = [selected('web1'), end('web1')];
  const readOf = async (...words: string[]) => {
    const { asked } = await call(answers, ['file', ...words, 'web1:x']);
    return (asked as [ReadNodeFileRequest])[0].read;
  };
  assert.equal((await readOf('head'))?.headLines, 10n);
  assert.equal((await readOf('head', '-c', '4k'))?.headBytes, 4096n);
  assert.equal((await readOf('tail', '-n', '3', '-f'))?.tailLines, 3n);
  assert.equal((await readOf('tail', '-n', '3', '-f'))?.follow, true);
});

test('-o jsonl prints every answer', async () => {
  const answers = [
    selected('web1'),
    from('web1', problem('x', 'no such file')),
    end('web1', FileOutcome.FAILED),
  ];
  const { lines, code } = await call(answers, ['file', 'cat', '-o', 'jsonl', 'web1:x']);
  const [first, second] = lines.slice(0, 2).map((line) => JSON.parse(line));
  assert.deepEqual(first, { selected: { nodes: ['web1'] } });
  assert.equal(second.answer.answer.problem.error, 'no such file');
  assert.equal(code, 5);
});

const refused: readonly (readonly [readonly string[], RegExp])[] = [
  [['rm'], /rm: what\? write NODES:PATH/],
  [['rm', 'x'], /rm: on which nodes\? write NODES:PATH, such as "web\[1-3\]:x"/],
  [['rm', 'web[1-:x'], /./],
  [['file', 'cat', 'web1:'], /which file\?/],
  [['file', 'cat', 'web1:a', 'web1:b'], /name one file/],
  [['file', 'head', '-n', '1', '-c', '1', 'web1:a'], /give -n or -c, not both/],
  [['file', 'tail', '-f', '-b', '@all:a'], /-b shows what is equal at the end/],
  [['file', 'mv', 'web1:a'], /give a path and its new name/],
  [['file', 'mkdir', '-m', '9', 'web1:a'], /--mode takes up to four octal digits/],
  [['file', 'ls', '-d', '-R', 'web1:'], /give one of them/],
];

for (const [words, message] of refused) {
  test(`${words.join(' ')} is refused before anything is asked`, async () => {
    const { code, stderr, asked } = await call([], words);
    assert.match(stderr, message);
    assert.equal(code, 2);
    assert.deepEqual(asked, []);
  });
}
