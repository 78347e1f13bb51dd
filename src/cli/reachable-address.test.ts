import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachableAddress } from './reachable-address.ts';

for (const [address, agents, expected] of [
  ['127.0.0.1:7443', '127.0.0.1:7444', { address: '127.0.0.1:7443', onlyHere: true }],
  ['[::1]:7443', '[::1]:7444', { address: '[::1]:7443', onlyHere: true }],
  ['127.0.0.1:7443', '0.0.0.0:7444', { address: 'alpha:7443', onlyHere: false }],
  ['10.0.0.1:7443', '10.0.0.1:7444', { address: '10.0.0.1:7443', onlyHere: false }],
] as const) {
  test(`reachableAddress() of ${address} with agents at ${agents}`, () => {
    assert.deepEqual(reachableAddress(address, agents, 'alpha'), expected);
  });
}
