import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { FakeTerminal } from '#cli/testing/fake-terminal.ts';
import { History } from './history.ts';
import type { CompleteLine } from './line-editor.ts';
import { interrupt } from './lines.ts';
import { TypedLines } from './typed-lines.ts';

const paste = (text: string) => `\u001b[200~${text}\u001b[201~`;
const nothing: CompleteLine = async (typed) => ({ typed, candidates: [] });

/** Somebody who types, with a history, oldest first. */
function person({ complete = nothing, typedBefore = [] as readonly string[] } = {}) {
  const terminal = new FakeTerminal();
  const output = new PassThrough();
  const history = new History();
  for (const line of typedBefore) history.add(line);
  const lines = new TypedLines({ terminal, output, history, complete, capable: true });
  return { terminal, lines, output, shown: () => String(output.read() ?? '') };
}

/** What comes of these keys at a prompt. */
const typed: [keys: string, line: string | undefined | typeof interrupt][] = [
  ['uptime\r', 'uptime'],
  ['\r', ''],
  ['upp\u007ftime\r', 'uptime'],
  ['日本\r', '日本'],
  ['typed\u0003other\r', 'other'],
  ['\u0003', interrupt],
  ['\u0004', undefined],
  ['ab\u0004\r', 'ab'],
  ['\u001b[A\r', 'list'],
  ['\u0012hos\r', 'cat /etc/hosts'],
  ['\u0012cat\u0012\r', 'cat /etc/hostname'],
  ['\u0012cat\u0012\u0012\u0012\r', 'cat /etc/hostname'],
  ['\u0012hostn\u007f\u007fn\u007fs\u007f\r', 'cat /etc/hosts'],
  ['new\u0012cat\u0007\r', 'new'],
  ['new\u0012cat\u0003\r', 'new'],
  ['\u0012hosts\u0001echo \r', 'echo cat /etc/hosts'],
  ['\u0012zz\r', ''],
  ['\u0012hosts, no\r', 'cat /etc/hosts'],
];

for (const [keys, line] of typed) {
  test(`TypedLines after ${JSON.stringify(keys)}`, async () => {
    const { terminal, lines } = person({ typedBefore: ['cat /etc/hostname', 'cat /etc/hosts', 'list'] });
    using _ = lines;
    const next = lines.next('> ');
    terminal.type(keys);
    assert.equal(await next, line);
    assert.equal(terminal.isTaken, false);
  });
}

for (const [what, pieces] of [
  ['with marks', [paste('one\ntwo\tthree\r\n\u0003four')]],
  ['in pieces', ['\u001b[20', '0~one\ntwo\tth', 'ree\n', 'four\u001b[2', '01~']],
  ['without marks', ['one\rtwo three\rfour']],
] as const) {
  test(`TypedLines gives a paste line by line, ${what}, and keeps the last one to be finished`, async () => {
    const { terminal, lines } = person();
    using _ = lines;
    const first = lines.next('> ');
    for (const piece of pieces) terminal.type(piece);
    assert.equal(await first, 'one');
    assert.equal(await lines.next('> '), 'two three');
    const last = lines.next('> ');
    terminal.type(' five\r');
    assert.equal(await last, 'four five');
  });
}

test('TypedLines decodes a character that comes in pieces', async () => {
  const { terminal, lines } = person();
  using _ = lines;
  const next = lines.next('> ');
  const bytes = Buffer.from('ä\r');
  for (const byte of bytes) terminal.type(Buffer.of(byte));
  assert.equal(await next, 'ä');
});

test('TypedLines ends when the terminal goes away', async () => {
  const { terminal, lines } = person();
  using _ = lines;
  const next = lines.next('> ');
  terminal.hangUp();
  assert.equal(await next, undefined);
});

test('TypedLines gives the keyboard back when it is disposed of while a line is awaited', async () => {
  const { terminal, lines, shown } = person();
  const next = lines.next('> ');
  terminal.type('half');
  lines[Symbol.dispose]();
  assert.equal(await next, undefined);
  assert.equal(terminal.isTaken, false);
  assert.match(shown(), /2004l\n$/);
});

test('TypedLines while a command runs: Enter asks, Ctrl-C interrupts, what else is typed waits', async () => {
  const { terminal, lines } = person();
  using _ = lines;
  const heard: string[] = [];
  const keys = { enter: () => heard.push('enter'), interrupt: () => heard.push('interrupt') };
  {
    using _watched = lines.watch(keys);
    terminal.type('\r');
    terminal.type('dropped\u0003');
    terminal.type('\u0004\u0013\u0011uptime\r\rli');
    terminal.type('\u001a');
  }
  assert.deepEqual(heard, ['enter', 'interrupt', 'enter']);
  assert.equal(terminal.suspended, 1);
  assert.equal(await lines.next('> '), 'uptime');
  const next = lines.next('> ');
  terminal.type('st\r');
  assert.equal(await next, 'list');
});

test('TypedLines suspends at Ctrl-Z and goes on with the line', async () => {
  const { terminal, lines } = person();
  using _ = lines;
  const next = lines.next('> ');
  terminal.type('up\u001atime\r');
  assert.equal(await next, 'uptime');
  assert.equal(terminal.suspended, 1);
});

test('TypedLines completes at Tab, and shows what there is at the second', async () => {
  const complete: CompleteLine = async (line) => ({
    typed: line,
    candidates: ['node1', 'node2'].filter((name) => name.startsWith(line)),
  });
  const { terminal, lines, shown } = person({ complete });
  using _ = lines;
  const next = lines.next('> ');
  terminal.type('n\t\t\t');
  terminal.type('2\r');
  assert.equal(await next, 'node2');
  assert.match(shown(), /node1\s+node2/);
});

test('TypedLines goes past a completion that has no answer yet', async () => {
  const aborted: boolean[] = [];
  const complete: CompleteLine = (line, abort) =>
    new Promise((resolve) => {
      abort.addEventListener('abort', () => {
        aborted.push(true);
        resolve({ typed: line, candidates: ['nothing of this'] });
      });
    });
  const { terminal, lines } = person({ complete });
  using _ = lines;
  const next = lines.next('> ');
  terminal.type('no\t');
  terminal.type('des\r');
  assert.equal(await next, 'nodes');
  assert.deepEqual(aborted, [true]);
});

test('TypedLines prints a notice above the line that is typed', async () => {
  const { terminal, lines, shown } = person();
  using _ = lines;
  const next = lines.next('> ');
  terminal.type('upti');
  shown();
  lines.notice('agent node1 was started again');
  assert.match(shown(), /agent node1 was started again\n.*> upti/s);
  terminal.type('me\r');
  assert.equal(await next, 'uptime');
});
