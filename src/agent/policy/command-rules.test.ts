import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCommandRule, parseCommandRules } from './command-rules.ts';

const rules = parseCommandRules([
  '/usr/bin/uptime',
  ['/usr/bin/systemctl', 'restart', { oneOf: ['web', 'db'] }],
  ['/usr/bin/tail', '-n', { int: [1, 100] }, { pathBeneath: '/var/log' }],
]);
assert.ok(rules !== 'any');

const cases: readonly (readonly [string, readonly string[], number | undefined])[] = [
  ['/usr/bin/uptime', ['uptime', '--anything', 'at all'], 0],
  ['/usr/bin/systemctl', ['systemctl', 'restart', 'web'], 1],
  ['/usr/bin/systemctl', ['/bin/systemctl', 'restart', 'db'], 1],
  ['/usr/bin/systemctl', ['systemctl', 'restart', 'web', '--now'], undefined],
  ['/usr/bin/systemctl', ['systemctl', 'restart', 'web db'], undefined],
  ['/usr/bin/systemctl', ['systemctl', '--root=/tmp', 'restart', 'web'], undefined],
  ['/usr/bin/systemctl', ['systemctl', 'stop', 'web'], undefined],
  ['/usr/bin/systemctl', ['systemctl'], undefined],
  ['/tmp/systemctl', ['/usr/bin/systemctl', 'restart', 'web'], undefined],
  ['/usr/bin/tail', ['tail', '-n', '5', '/var/log/syslog'], 2],
  ['/usr/bin/tail', ['tail', '-n', '5', '/var/log/../../etc/shadow'], undefined],
  ['/usr/bin/tail', ['tail', '-n', '1e2', '/var/log/syslog'], undefined],
  ['/bin/sh', ['sh', '-c', 'id'], undefined],
];

for (const [binary, argv, place] of cases) {
  test(`findCommandRule() finds ${place ?? 'none'} for ${binary} ${argv.slice(1).join(' ')}`, () => {
    assert.equal(findCommandRule(rules, binary, argv), place);
  });
}
