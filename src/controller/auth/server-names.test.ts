import assert from 'node:assert/strict';
import { it } from 'node:test';
import { serverNames } from './server-names.ts';

it('serverNames() always has the fixed name and loopback, and the hosts that are listened on', () => {
  const { dns, ip } = serverNames(['192.0.2.1', 'API.example.org']);
  for (const name of ['controller.drover', 'localhost', 'api.example.org']) assert.ok(dns.includes(name));
  assert.deepEqual(ip, ['127.0.0.1', '192.0.2.1', '::1']);
});

it('serverNames() names the addresses of the machine for a wildcard, never the wildcard', () => {
  const { ip } = serverNames(['0.0.0.0', '::']);
  assert.ok(ip.includes('127.0.0.1'));
  assert.ok(!ip.includes('0.0.0.0') && !ip.includes('::'));
});
