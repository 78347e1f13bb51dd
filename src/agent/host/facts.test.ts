import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { deviceMounts, prettyName, readHostFacts } from './facts.ts';

test('readHostFacts() reads this host', async () => {
  const facts = await readHostFacts('1.2.3', { digest: 'd', sinceMs: 5_000, problem: 'p' });
  assert.equal(facts.hostname, hostname());
  assert.match(facts.bootId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.ok(facts.cpus >= 1);
  assert.ok(facts.memoryBytes > 1n << 20n);
  assert.notEqual(facts.os, '');
  assert.notEqual(facts.kernel, '');
  assert.equal(facts.loadMillis.length, 3);
  assert.ok(facts.memoryAvailableBytes > 0n);
  assert.equal(facts.supervisorVersion, '1.2.3');
  assert.equal(facts.policy?.digest, 'd');
  assert.equal(facts.policy.since?.seconds, 5n);
  assert.equal(facts.policy.problem, 'p');
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

test('deviceMounts() has each device once, and nothing that is no device', () => {
  const mounts = [
    'proc /proc proc rw 0 0',
    '/dev/sda1 / ext4 rw,relatime 0 0',
    '/dev/sda1 /var/lib/bound ext4 rw 0 0',
    'tmpfs /run tmpfs rw 0 0',
    '/dev/sdb /with\\040space xfs rw 0 0',
    '',
  ];
  assert.deepEqual(deviceMounts(mounts.join('\n')), [
    { mount: '/', type: 'ext4' },
    { mount: '/with space', type: 'xfs' },
  ]);
});
