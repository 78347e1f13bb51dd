import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { createNodeSetMatcher } from './node-set-matcher.ts';
import { parseNodeSet } from './parse-node-set.ts';
import { type NodeSetMember, selectNodeNames } from './select-node-names.ts';

it('createNodeSetMatcher() says of every node what selectNodeNames() says of all', () => {
  const nodes = ['a1', 'a2', 'a3', 'b1', 'b02'].map(
    (name, index): NodeSetMember => ({
      name,
      labels: index % 2 === 0 ? { role: name } : { zone: 'z' },
    }),
  );
  const term = fc.constantFrom('a[1-2]', 'a*', 'b?', '@role', '@role=a1', '@zone=z', '@all', 'b02', 'x');
  const rest = fc.array(fc.tuple(fc.constantFrom(',', '!', '&', '^'), term), { maxLength: 4 });
  fc.assert(
    fc.property(term, rest, (first, others) => {
      const expression = parseNodeSet(first + others.map((pair) => pair.join('')).join(''));
      const matches = createNodeSetMatcher(expression);
      const selected = selectNodeNames(expression, nodes);
      assert.deepEqual(
        nodes.filter(matches).map(({ name }) => name),
        nodes.map(({ name }) => name).filter((name) => selected.has(name)),
        expression.text,
      );
    }),
  );
});
