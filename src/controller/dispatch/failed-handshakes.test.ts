import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { limits } from '#protocol/limits.ts';
import { FailedHandshakes, networkOf } from './failed-handshakes.ts';

it('FailedHandshakes suspects an address after so many failures, and forgets them', async () => {
  const clock = new FakeClock();
  const failed = new FailedHandshakes(clock);
  for (let i = 0; i < limits.failedHandshakesMax; i++) failed.note('192.0.2.1');
  assert.equal(failed.isSuspect('192.0.2.1'), false);
  failed.note('::ffff:192.0.2.1');
  assert.equal(failed.isSuspect('192.0.2.1'), true);
  assert.equal(failed.isSuspect('192.0.2.2'), false);
  await clock.advance(limits.failedHandshakesMs);
  assert.equal(failed.isSuspect('192.0.2.1'), false);
});

it('FailedHandshakes knows a bounded number of addresses, the latest', () => {
  const failed = new FailedHandshakes(new FakeClock());
  const fail = (address: string) => {
    for (let i = 0; i <= limits.failedHandshakesMax; i++) failed.note(address);
  };
  fail('first');
  for (let i = 0; i < limits.failedHandshakeAddressesMax; i++) failed.note(`address ${i}`);
  assert.equal(failed.isSuspect('first'), false);
  fail('last');
  assert.equal(failed.isSuspect('last'), true);
});

it('networkOf() takes what one machine can choose from an IPv6 address', () => {
  const cases = { '2001:db8:1:2:3:4:5:6': '2001:db8:1:2', '2001:db8::1': '2001:db8:0:0', '::1': '0:0:0:0' };
  for (const [address, network] of Object.entries(cases)) assert.equal(networkOf(address), network);
  assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0');
});
