import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DetachMatcher, detachKeysDefault, parseDetachKeys } from './detach-keys.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const bytes = (typed: string) => Buffer.from(typed, 'latin1');

test('parseDetachKeys() reads keys, and none', () => {
  const cases: [string, string][] = [
    [detachKeysDefault, '\u0010\u0011'],
    ['ctrl-],d', '\u001dd'],
    ['Ctrl-A', '\u0001'],
    ['ctrl-@,ctrl-[,ctrl-\\,ctrl-^,ctrl-_', '\0\u001b\u001c\u001e\u001f'],
    ['none', ''],
  ];
  for (const [written, keys] of cases) assert.equal(text(parseDetachKeys(written)), keys, written);
});

test('parseDetachKeys() refuses what nobody can type', () => {
  for (const written of ['ctrl-', 'ctrl-p,', 'f1', 'ctrl-é', ',', 'ctrl-1', 'a,b,c,d,e,f,g,h,i']) {
    assert.throws(() => parseDetachKeys(written), /--detach-keys takes/, written);
  }
});

test('DetachMatcher holds back what may begin the sequence, and gives it on when it does not', () => {
  const matcher = new DetachMatcher(bytes('ab'));
  assert.deepEqual(
    [text(matcher.push(bytes('xa')).through), text(matcher.push(bytes('c')).through)],
    ['x', 'ac'],
  );
  assert.equal(text(matcher.push(bytes('aa')).through), 'a');
  assert.deepEqual(matcher.push(bytes('bz')), { through: new Uint8Array(), detach: true });
});

test('DetachMatcher changes nothing but the sequence, however the keys come', () => {
  const keys = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 40 });
  const cuts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(fc.constantFrom('ab', 'aab', 'aba', 'aa', ''), keys, cuts, (sequence, typed, sizes) => {
      const matcher = new DetachMatcher(bytes(sequence));
      let through = '';
      let detached = false;
      for (let at = 0, i = 0; at < typed.length && !detached; i++) {
        const piece = typed.slice(at, at + (sizes[i] ?? 1));
        const result = matcher.push(bytes(piece));
        through += text(result.through);
        detached = result.detach;
        at += piece.length;
      }
      const found = sequence === '' ? -1 : typed.indexOf(sequence);
      assert.equal(detached, found >= 0);
      const expected = found >= 0 ? typed.slice(0, found) : typed;
      assert.ok(detached ? through === expected : expected.startsWith(through));
      const held = expected.slice(through.length);
      assert.ok(sequence.startsWith(held) && (held === '' || held.length < sequence.length));
    }),
  );
});
