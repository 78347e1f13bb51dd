import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import type { TargetValues } from '#cli/commands/plan-target.ts';
import { planPlaces } from './plan-places.ts';

function places(words: readonly string[], options: TargetValues = {}, selection?: string) {
  const { plan, paths } = planPlaces('rm', words, { options, selection, hosts: [] });
  return { nodes: plan.request.nodes, selector: plan.request.selector, paths, literal: plan.literal };
}

test('planPlaces() takes the nodes from a word, an option, a label or the selection', () => {
  const none = { selector: '', literal: false };
  assert.deepEqual(places(['web1:/a', '/b', ':c']), {
    nodes: 'web1',
    selector: '',
    paths: ['/a', '/b', 'c'],
    literal: true,
  });
  assert.deepEqual(places(['web1:/a', 'web1:/b']).paths, ['/a', '/b']);
  assert.deepEqual(places(['/a'], { nodes: 'web[1-3]' }), { nodes: 'web[1-3]', paths: ['/a'], ...none });
  assert.deepEqual(places(['/a'], { all: true }), { nodes: '@all', paths: ['/a'], ...none });
  assert.deepEqual(places(['/a'], { label: 'gpu' }), {
    nodes: '',
    selector: 'gpu',
    paths: ['/a'],
    literal: false,
  });
  assert.deepEqual(places(['/a'], {}, 'web*'), { nodes: 'web*', paths: ['/a'], ...none });
  assert.deepEqual(places(['db1:/a'], {}, 'web*').nodes, 'db1');
});

const refused: readonly (readonly [readonly string[], TargetValues, RegExp])[] = [
  [['/a'], {}, /on which nodes\? write NODES:PATH, such as "web\[1-3\]:\/a"/],
  [['web1:/a', 'web2:/b'], {}, /"web1" and "web2": name the nodes once, as "web1,web2:PATH"/],
  [['web1:/a'], { nodes: 'web2' }, /"web1" or those of the options: give one of them/],
  [['web1:/a'], { all: true }, /give one of them/],
];

for (const [words, options, message] of refused) {
  test(`planPlaces() refuses ${words.join(' ')} with ${JSON.stringify(options)}`, () => {
    assert.throws(
      () => places(words, options),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}
