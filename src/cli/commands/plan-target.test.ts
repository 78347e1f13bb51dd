import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { planTarget, type TargetValues } from './plan-target.ts';

const hosts = [parseNodeSet('h[1-2]')];

for (const [options, selection, nodes, literal, isSelection] of [
  [{ nodes: 'web1' }, '@all', 'web1', true, false],
  [{ all: true }, undefined, '@all', false, false],
  [{}, 'web1', 'web1', true, true],
  [{ nodes: 'web[1]' }, undefined, 'web[1]', false, false],
  [{ nodes: 'web1', exclude: 'web2' }, undefined, 'web1', false, false],
  [{ nodes: 'web1', pick: '1' }, undefined, 'web1', false, false],
  [{ label: 'role=web' }, undefined, '', false, false],
  [{ label: 'role=web' }, '@all', '@all', false, false],
] as const) {
  test(`planTarget() of ${JSON.stringify(options)} with ${selection} selected`, () => {
    const plan = planTarget('run', options, selection);
    assert.deepEqual([plan.request.nodes, plan.literal, plan.isSelection], [nodes, literal, isSelection]);
  });
}

test('planTarget() adds the nodes of a file to those that are named', () => {
  const plan = planTarget('run', { nodes: 'web1', hostfile: 'f' }, '@all', hosts);
  assert.equal(plan.target.sets.length, 2);
  assert.equal(plan.needsNames, true);
  assert.equal(planTarget('run', { hostfile: 'f' }, '@all', hosts).target.sets.length, 1);
});

for (const [options, message] of [
  [{}, /on which nodes\?/],
  [{ exclude: 'a' }, /on which nodes\?/],
  [{ pick: '3' }, /on which nodes\?/],
  [{ all: true, nodes: 'a' }, /not both/],
  [{ hostfile: 'f' }, /there is no node in f/],
  [{ all: true, pick: '0' }, /--pick takes a number/],
] as readonly (readonly [TargetValues, RegExp])[]) {
  test(`planTarget() refuses ${JSON.stringify(options)}`, () => {
    assert.throws(
      () => planTarget('run', options, undefined),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}
