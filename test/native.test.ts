/** The supervisor's own tests, under the address and undefined-behaviour sanitizers, as part of `npm test`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { installationRoot } from '#base/installation.ts';

test('make test: the supervisor under ASan and UBSan', (t) => {
  const { status, stdout, stderr } = spawnSync(
    'make',
    ['--silent', '-C', join(installationRoot, 'native/supervisor'), 'test'],
    {
      encoding: 'utf8',
    },
  );
  for (const line of stdout.split('\n').filter((line) => line.startsWith('skip'))) t.diagnostic(line);
  assert.equal(status, 0, `${stdout}${stderr}`);
});
