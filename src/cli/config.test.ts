import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

test('readConfig() finds the data directory', () => {
  assert.equal(readConfig({ DROVER_DATA: '/d' }, 0).dataDirectory, '/d');
  assert.equal(readConfig({ DROVER_DATA: '' }, 0).dataDirectory, '/var/lib/drover');
  assert.match(readConfig({}, 1000).dataDirectory, /\/\.local\/share\/drover$/);
});

test('readConfig() finds the contexts, and whether a directory was chosen before them', () => {
  assert.equal(readConfig({ XDG_CONFIG_HOME: '/c' }, 0).contextsFile, '/c/drover/contexts.json');
  assert.match(readConfig({ XDG_CONFIG_HOME: 'c' }, 0).contextsFile, /\/\.config\/drover\/contexts\.json$/);
  assert.equal(readConfig({ DROVER_DATA: '/d' }, 0).isDataChosen, true);
  assert.equal(readConfig({ DROVER_DATA: '' }, 0).isDataChosen, false);
});

test('readConfig() finds above how many nodes a launch is confirmed', () => {
  assert.equal(readConfig({}, 0).confirmAbove, 10);
  assert.equal(readConfig({ DROVER_CONFIRM_ABOVE: '0' }, 0).confirmAbove, 0);
  assert.equal(readConfig({ DROVER_CONFIRM_ABOVE: 'few' }, 0).confirmAbove, 0);
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
