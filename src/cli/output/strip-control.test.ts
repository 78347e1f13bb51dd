import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { oneLine, stripControl } from './strip-control.ts';

for (const [what, text, expected] of [
  ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
  ['cursor movement and erasing', 'a\u001b[2J\u001b[10;5Hb\u001b[?25l', 'ab'],
  ['a title by BEL', '\u001b]0;evil\u0007ok', 'ok'],
  ['a title by ST', '\u001b]0;evil\u001b\\ok', 'ok'],
  ['a hyperlink', '\u001b]8;;http://x\u001b\\text\u001b]8;;\u001b\\', 'text'],
  ['a device control string', '\u001bP$q"p\u001b\\ok', 'ok'],
  ['a reset', '\u001bcok', 'ok'],
  ['a character set', '\u001b(0ok', 'ok'],
  ['eight-bit CSI', '\u009b31mred', 'red'],
  ['an unfinished string, keeping its text', '\u001b]0;title', ']0;title'],
  ['an unfinished CSI', 'a\u001b[', 'a['],
  ['backspaces and bells', 'a\bb\u0007c', 'abc'],
  ['carriage returns, as line ends', '10%\r20%\r\nend', '10%\n20%\nend'],
] as const) {
  test(`stripControl() removes ${what}`, () => assert.equal(stripControl(text), expected));
}

test('stripControl() keeps what is no control', () => {
  assert.equal(stripControl('tab\there\nzweite Zeile — ünïcode 🐑'), 'tab\there\nzweite Zeile — ünïcode 🐑');
});

test('stripControl() leaves no control character, whatever comes', () => {
  const nasty = fc.string({
    unit: fc.constantFrom(
      '\u001b',
      '[',
      ']',
      '0',
      ';',
      'm',
      '\u0007',
      '\\',
      '\u009b',
      '\u0090',
      'P',
      '\r',
      '\n',
      'a',
    ),
    maxLength: 40,
  });
  fc.assert(
    fc.property(nasty, (text) => {
      const stripped = stripControl(text);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
      assert.doesNotMatch(stripped, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      assert.equal(stripControl(stripped), stripped);
    }),
  );
});

test('oneLine() makes one line of several', () => assert.equal(oneLine(' a\n\tb\r\nc\u001b[0m '), 'a b c'));
