/** docs/access.md is what roles are written by: its examples are roles, and its table has every verb with the conditions it has. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '#base/installation.ts';
import { parseRole } from '#cli/role-file.ts';
import { compileRole } from '#core/access/compile-role.ts';
import { canBeAsked, findVerb, grantableVerbs, verbName } from '#core/access/verbs.ts';

const text = (file: string) => readFileSync(join(installationRoot, file), 'utf8');

test('the roles of the documents can be recorded', () => {
  const blocks = ['docs/access.md', 'README.md'].flatMap((file) =>
    [...text(file).matchAll(/```yaml\n(name: [\s\S]*?)```/g)].map(([, role = '']) => role),
  );
  assert.equal(blocks.length, 2);
  for (const block of blocks) {
    const { name, rules } = parseRole(block, 'the document');
    assert.equal(compileRole(name, rules).rules.length, 3);
  }
});

test('the table of verbs has them all, each with its conditions', () => {
  const rows = [...text('docs/access.md').matchAll(/^\| (`[^|]+`) \| [^|]+ \| ([^|]*)\|$/gm)];
  const documented = rows.flatMap(([, verbs = '', conditions = '']) =>
    verbs.split(', ').map((verb) => [verb.replaceAll('`', ''), conditions.trim()] as const),
  );
  assert.deepEqual(documented.map(([verb]) => verb).sort(), grantableVerbs.map(verbName).sort());
  const words = { nodes: 'nodes', 'run-as': 'runAs', commands: 'commands' } as const;
  for (const [name, conditions] of documented) {
    const verb = findVerb(name);
    assert.ok(verb !== undefined);
    const held = Object.entries(words).filter(([key]) => canBeAsked(verb, [key as keyof typeof words]));
    assert.equal(held.map(([, word]) => word).join(', '), conditions, name);
  }
});
