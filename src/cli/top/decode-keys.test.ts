import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyDecoder } from './decode-keys.ts';

const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['ab'], ['a', 'b']],
  [['\r\n'], ['enter', 'enter']],
  [['\u007f\u0003'], ['backspace', 'ctrl-c']],
  [['\u001b[A\u001b[B'], ['up', 'down']],
  [['\u001bOA\u001bOB'], ['up', 'down']],
  [['\u001b[5~\u001b[6~\u001b[H\u001b[4~'], ['page-up', 'page-down', 'home', 'end']],
  [
    ['\u001b', '[A'],
    ['escape', '[', 'A'],
  ],
  [['\u001b[', 'A'], ['up']],
  [['\u001b[1;5', 'Aq'], ['q']],
  [['\u001b[200~x'], ['x']],
  [['\u001bq'], ['escape', 'q']],
  [['\u001b\u001b'], ['escape', 'escape']],
  [['é', '\u0001'], ['é']],
];

for (const [chunks, keys] of rows) {
  test(`KeyDecoder gives ${keys.join(' ')} for ${JSON.stringify(chunks)}`, () => {
    const decoder = new KeyDecoder();
    assert.deepEqual(
      chunks.flatMap((chunk) => decoder.push(Buffer.from(chunk))),
      keys,
    );
  });
}

test('KeyDecoder waits for the rest of a character', () => {
  const decoder = new KeyDecoder();
  const [first, second] = Buffer.from('é');
  assert.deepEqual(decoder.push(Buffer.of(first ?? 0)), []);
  assert.deepEqual(decoder.push(Buffer.of(second ?? 0)), ['é']);
});
