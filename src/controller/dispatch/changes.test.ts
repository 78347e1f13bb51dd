import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Changes } from './changes.ts';

test('Changes calls each listener until it is disposed of, also the same one twice', () => {
  const changes = new Changes<[number]>();
  const got: number[] = [];
  const listener = (value: number) => void got.push(value);
  const first = changes.listen(listener);
  changes.listen(listener);
  changes.publish(1);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  changes.publish(2);
  assert.deepEqual(got, [1, 1, 2]);
});
