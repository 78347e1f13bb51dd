import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseLine } from './last-log-line.ts';

const info = '{"level":30,"program":"controller","msg":"controller started"}';
const fatal = '{"level":60,"msg":"store failed","err":{"message":"disk full"}}';
const error = '{"level":50,"msg":"store failed","err":{"message":"disk full"}}';

for (const [lines, expected] of [
  [[], ''],
  [[info, ''], ''],
  [[error], ''],
  [[fatal, info], ''],
  [[info, fatal], 'store failed: disk full'],
  [[info, 'TypeError: x is no y', '    at z', 'Node.js v24'], 'TypeError: x is no y'],
  [
    [info, 'drover controller: cannot listen on 127.0.0.1:7443: address already in use', ''],
    'cannot listen on 127.0.0.1:7443: address already in use',
  ],
  [['Segmentation fault', info], ''],
  [[info, 'Segmentation fault'], 'Segmentation fault'],
] as const) {
  test(`chooseLine() finds ${JSON.stringify(expected)}`, () => assert.equal(chooseLine(lines), expected));
}
