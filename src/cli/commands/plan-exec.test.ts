import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine } from '#base/command-line.ts';
import { execSyntax } from '#cli/syntax/line-syntax.ts';
import { StdinMode } from '#protocol/gen/drover/v1/task_pb.ts';
import { planExec } from './plan-exec.ts';

const terminal = { size: { rows: 50, columns: 132 }, name: 'screen' };

const plan = (words: string, own?: typeof terminal) =>
  planExec(parseCommandLine(execSyntax, words.split(' ')), own);

test('planExec() plans a terminal like ours, or pipes', () => {
  const { request, detachKeys } = plan('-it --user web --env A=b web1 -- bash -l', terminal);
  assert.equal(request.nodes, 'web1');
  assert.deepEqual(request.spec?.argv, ['bash', '-l']);
  assert.deepEqual([request.spec?.user, request.spec?.env], ['web', { A: 'b' }]);
  assert.deepEqual(request.spec?.terminal, {
    rows: 50,
    columns: 132,
    term: 'screen',
    hangupAfterMs: 60_000n,
  });
  assert.equal(request.spec?.pipes, undefined);
  assert.deepEqual([...detachKeys], [16, 17]);

  const piped = plan('-i web1 tar x -C /srv', terminal).request.spec;
  assert.deepEqual(piped?.argv, ['tar', 'x', '-C', '/srv']);
  assert.deepEqual([piped?.stdin, piped?.pipes], [StdinMode.STREAM, { hangupAfterMs: 60_000n }]);
  assert.equal(plan('web1 -- true').request.spec?.stdin, undefined);
  assert.deepEqual([...plan('-t --detach-keys ctrl-] web1 -- top', terminal).detachKeys], [29]);
});

const refused: Record<string, RegExp> = {
  '-i': /on which node\?/,
  '-it web1': /what\? such as: drover exec -it web1 -- bash/,
  '-it web1 --': /what\?/,
  'web[1-2] -- true': /"web\[1-2\]" is not the name of one node: drover run takes node sets/,
  '@all -- true': /is not the name of one node/,
  'web1 -it -- bash': /-it comes after the node: options come before it/,
  '-it web1 -- bash': /-t needs a terminal, and standard input, output or error is none here: leave -t out/,
  '--detach-keys ctrl-x web1 -- bash': /--detach-keys leave a terminal: give -t too/,
};

for (const [words, message] of Object.entries(refused)) {
  test(`planExec() refuses ${words}`, () => assert.throws(() => plan(words), message));
}
