import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { anyWords, type CommandSyntax } from '#base/command-line.ts';
import type { Command } from './command.ts';
import { commandTable } from './command-table.ts';
import { exitCodeMeanings } from './exit-code-table.ts';
import { renderManual } from './manual.ts';
import { missing } from './testing/typed-shell.ts';

const helps = new Map([
  ['agent', 'usage: drover agent\n\n.hidden\n'],
  ['controller', ''],
]);
const manual = renderManual(commandTable, helps, '1.2.3');

/** As a person reads it: through the formatter, one line a paragraph. */
function format(page: string): { text: string; warnings: string } {
  const args = ['-man', '-Tutf8', '-P-c', '-ww', '-rLL=2000n'];
  const { stdout, stderr } = spawnSync('groff', args, { input: page, encoding: 'utf8' });
  // Bold letters are printed twice, with a step back between.
  const text = stdout.split('\b').reduce((before, after) => before.slice(0, -1) + after);
  return { text, warnings: stderr };
}

test('renderManual() has every command that is not hidden', () => {
  for (const { syntax, hidden } of commandTable) {
    const heading = `.SH DROVER ${syntax.name.toUpperCase().replaceAll('-', String.raw`\-`)}`;
    assert.equal(manual.split('\n').includes(heading), !hidden, syntax.name);
  }
});

test('renderManual() is read by groff without a warning, with every option and exit code', {
  skip: missing('groff'),
}, () => {
  const { text, warnings } = format(manual);
  assert.equal(warnings, '');
  assert.match(text, /^drover 1\.2\.3 .*DROVER\(1\)$/m);
  for (const { syntax, hidden } of commandTable) {
    if (hidden) continue;
    for (const [name, { help }] of Object.entries(syntax.options)) {
      assert.ok(text.includes(`--${name}`), `${syntax.name} --${name}`);
      assert.ok(text.includes(help), help);
    }
    for (const example of syntax.examples) {
      assert.ok(text.includes(example), example);
    }
  }
  for (const [code, meaning] of exitCodeMeanings)
    assert.match(text, new RegExp(`^ +${code} +\\S`, 'm'), meaning);
  assert.match(text, /^ +\.hidden$/m, "a program's help stands as it is");
});

test('renderManual() takes no text for an order to the formatter', { skip: missing('groff') }, () => {
  const syntax: CommandSyntax = {
    name: 'odd',
    summary: ".so what 'tis",
    usage: String.raw`\n[x] WORD…`,
    words: anyWords,
    options: { dot: { type: 'string', value: '"A B"', help: '.TP is text, \\fB too' } },
    examples: ["'quoted' -- `x` ~ ^"],
    details: ['.SH no heading'],
  };
  const odd: Command = {
    syntax,
    hidden: false,
    call: () => Promise.reject(new Error('unused')),
  };
  const { text, warnings } = format(renderManual([odd], helps, '1'));
  assert.equal(warnings, '');
  for (const part of [
    ".so what 'tis",
    String.raw`\n[x] WORD`,
    '--dot "A B"',
    '.TP is text, \\fB too',
    '.SH no heading',
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.match(text, /'quoted' -- `x` ~ \^/);
});
