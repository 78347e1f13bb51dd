import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

test('readConfig() finds the data directory', () => {
  assert.equal(readConfig({ DROVER_DATA: '/d' }, 0).dataDirectory, '/d');
  assert.equal(readConfig({ DROVER_DATA: '' }, 0).dataDirectory, '/var/lib/drover');
  assert.match(readConfig({}, 1000).dataDirectory, /\/\.local\/share\/drover$/);
});

for (const [environment, noColor] of [
  [{}, false],
  [{ NO_COLOR: '' }, false],
  [{ NO_COLOR: '1' }, true],
  [{ TERM: 'dumb' }, true],
] as const) {
  test(`readConfig() of ${JSON.stringify(environment)}: ${noColor ? 'no ' : ''}colours`, () => {
    assert.equal(readConfig(environment, 0).noColor, noColor);
  });
}
