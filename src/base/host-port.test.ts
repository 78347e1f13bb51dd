import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHostPort, parseHostPort } from './host-port.ts';

const good: Record<string, { host: string; port: number }> = {
  '127.0.0.1:7443': { host: '127.0.0.1', port: 7443 },
  'controller.example:0': { host: 'controller.example', port: 0 },
  '[::1]:65535': { host: '::1', port: 65_535 },
  ':7444': { host: '', port: 7444 },
};

for (const [text, address] of Object.entries(good)) {
  test(`parseHostPort() reads ${text}, and formatHostPort() writes it`, () => {
    assert.deepEqual(parseHostPort(text), address);
    assert.equal(formatHostPort(address), text);
  });
}

for (const text of [
  '',
  'host',
  'host:',
  'host:65536',
  'host:-1',
  '::1:80',
  'a b:1',
  'https://a:1',
  'a:1/x',
]) {
  test(`parseHostPort() refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseHostPort(text), undefined);
  });
}
