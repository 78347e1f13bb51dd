import assert from 'node:assert/strict';
import { it } from 'node:test';
import { canonicalSignal } from './signal-names.ts';

it('canonicalSignal() takes names with and without SIG, in any case', () => {
  for (const name of ['SIGTERM', 'TERM', 'term', 'sigterm']) assert.equal(canonicalSignal(name), 'SIGTERM');
});

it('canonicalSignal() knows no others', () => {
  for (const name of ['', 'SIG', 'FOO', '15', 'constructor', 'SIGconstructor', 'TERM ']) {
    assert.equal(canonicalSignal(name), undefined, name);
  }
});
