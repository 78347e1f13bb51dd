import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { planView, type ViewPlan, type ViewValues } from './plan-view.ts';

const plain = { withStderr: false, diff: false, similar: false };

const rows: readonly (readonly [ViewValues, ViewPlan])[] = [
  [{}, { kind: 'lines', raw: false }],
  [{ raw: true }, { kind: 'lines', raw: true }],
  [{ output: 'json' }, { kind: 'json' }],
  [{ output: 'jsonl' }, { kind: 'json lines' }],
  [{ output: 'name' }, { kind: 'name' }],
  [{ fold: true }, { kind: 'folded', fold: plain }],
  [
    { 'fold-stderr': true, diff: true },
    { kind: 'folded', fold: { ...plain, withStderr: true, diff: true } },
  ],
  [{ similar: true }, { kind: 'folded', fold: { ...plain, similar: true } }],
  [{ outdir: 'd' }, { kind: 'files', directory: 'd', fold: undefined }],
  [
    { outdir: 'd', fold: true },
    { kind: 'files', directory: 'd', fold: plain },
  ],
];

for (const [options, expected] of rows) {
  test(`planView() of ${JSON.stringify(options)}`, () => {
    assert.deepEqual(planView('run', options), expected);
  });
}

test('planView() folds where the prompt does and nothing else is asked for', () => {
  assert.equal(planView('run', {}, true).kind, 'folded');
  assert.equal(planView('run', { raw: true }, true).kind, 'lines');
  assert.equal(planView('run', { output: 'name' }, true).kind, 'name');
});

for (const options of [
  { fold: true, raw: true },
  { diff: true, output: 'json' },
  { outdir: 'd', output: 'jsonl' },
  { similar: true, detach: true },
  { outdir: 'd', detach: true },
] as const) {
  test(`planView() refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => planView('run', options), UsageError);
  });
}
