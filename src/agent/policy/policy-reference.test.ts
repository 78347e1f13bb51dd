import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '#base/installation.ts';
import { parsePolicy } from './policy.ts';

test('docs/policy.md has an example with every key, which is a policy', () => {
  const page = readFileSync(join(installationRoot, 'docs', 'policy.md'), 'utf8');
  const [, example = ''] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? [];
  const policy = parsePolicy(example);
  const table = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);
  assert.deepEqual(table.sort(), Object.keys(policy).sort());
  assert.deepEqual([...policy.namedCommands.keys()], ['restart-service', 'rotate-logs']);
});
