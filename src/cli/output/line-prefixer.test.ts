import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LinePrefixer, lineCharactersMax } from './line-prefixer.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('LinePrefixer prefixes whole lines and holds back the rest', () => {
  const lines = new LinePrefixer('node1: ');
  assert.equal(lines.push(bytes('one\ntw')), 'node1: one\n');
  assert.equal(lines.push(bytes('o\n\nthree')), 'node1: two\nnode1: \n');
  assert.equal(lines.end(), 'node1: three\n');
  assert.equal(lines.end(), '');
});

test('LinePrefixer joins characters that chunks split', () => {
  const lines = new LinePrefixer('');
  const sheep = bytes('🐑\n');
  assert.equal(lines.push(sheep.subarray(0, 2)), '');
  assert.equal(lines.push(sheep.subarray(2)), '🐑\n');
});

test('LinePrefixer breaks a line that never ends', () => {
  const lines = new LinePrefixer('n: ');
  assert.equal(lines.push(bytes('x'.repeat(lineCharactersMax))).length, lineCharactersMax + 4);
  assert.equal(lines.end(), '');
});

test('LinePrefixer stamps a line with the moment in which it is complete, and gives only the lines that are kept', () => {
  const lines = new LinePrefixer('n: ', {
    keeps: (line) => !line.includes('n: '),
    decorate: (line) => `<${line}>`,
  });
  assert.equal(lines.push(bytes('one\ntw'), '1 '), '1 n: <one>\n');
  assert.equal(lines.push(bytes('o\nn: other\nthree'), '2 '), '2 n: <two>\n');
  assert.equal(lines.end(), '2 n: <three>\n');
});

test('LinePrefixer gives the same lines however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '\n', 'ä', '🐑', '\r') }),
      fc.infiniteStream(fc.integer({ min: 1, max: 4 })),
      (text, cuts) => {
        const data = bytes(text);
        const cutUp = new LinePrefixer('p');
        let printed = '';
        for (let at = 0; at < data.length; ) {
          const size = cuts.next().value ?? 1;
          printed += cutUp.push(data.subarray(at, at + size));
          at += size;
        }
        const whole = new LinePrefixer('p');
        assert.equal(printed + cutUp.end(), whole.push(data) + whole.end());
      },
    ),
  );
});
