import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { prettyName, readHostFacts } from './facts.ts';

test('readHostFacts() reads this host', async () => {
  const facts = await readHostFacts();
  assert.equal(facts.hostname, hostname());
  assert.match(facts.bootId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.ok(facts.cpus >= 1);
  assert.ok(facts.memoryBytes > 1n << 20n);
  assert.notEqual(facts.os, '');
  assert.notEqual(facts.kernel, '');
});

test('prettyName() takes the quotes off', () => {
  assert.equal(
    prettyName('ID=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'),
    'Debian GNU/Linux 12 (bookworm)',
  );
  assert.equal(prettyName("PRETTY_NAME='Some \\$ Linux'"), 'Some $ Linux');
  assert.equal(prettyName('PRETTY_NAME=Plain'), 'Plain');
  assert.equal(prettyName('NAME=x'), undefined);
});
