import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { SpilledLines } from './spilled-lines.ts';

/** Lets temporary files go into a directory of the test's own until it ends. */
function inDirectory(t: Parameters<typeof temporaryDirectory>[0], directory = temporaryDirectory(t)): string {
  const { TMPDIR } = process.env;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  });
  process.env['TMPDIR'] = directory;
  return directory;
}

test('SpilledLines gives each text back as it was added, and leaves no file', (t) => {
  const directory = inDirectory(t);
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
  const pieces = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), lines: fc.array(line) }));
  fc.assert(
    fc.property(pieces, (added) => {
      using spilled = new SpilledLines();
      const wanted = new Map<string, string[]>();
      for (const { key, lines } of added) {
        spilled.add(key, lines);
        if (lines.length > 0) wanted.set(key, [...(wanted.get(key) ?? []), ...lines]);
      }
      for (const [key, lines] of wanted)
        assert.deepEqual([...(spilled.find(key, lines.length) ?? [])], lines);
      assert.equal(spilled.find('a', (wanted.get('a')?.length ?? 0) + 1), undefined);
      assert.deepEqual(readdirSync(directory), []);
    }),
  );
});

test('SpilledLines without a place for files keeps nothing, and says so', (t) => {
  inDirectory(t, '/nonexistent');
  using spilled = new SpilledLines();
  spilled.add('a', ['x']);
  assert.equal(spilled.find('a', 1), undefined);
});
