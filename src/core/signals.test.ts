import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { canonicalSignal, signalName, signalNumber } from './signals.ts';

test('signalName() and signalNumber() know every signal, also those without a name', () => {
  for (let number = 1; number <= 64; number++) assert.equal(signalNumber(signalName(number)), number);
  assert.deepEqual([33, 34, 37, 64].map(signalName), ['SIG33', 'SIGRTMIN', 'SIGRTMIN+3', 'SIGRTMIN+30']);
});

test('signalNumber() has the numbers of this kernel', () => {
  for (const [name, number] of Object.entries(constants.signals))
    assert.equal(signalNumber(name), number, name);
});

for (const name of ['', 'TERM', 'sigterm', 'SIG0', 'SIG65', 'SIG', 'SIGNOPE', 'constructor', 'SIG015']) {
  test(`signalNumber() knows no ${JSON.stringify(name)}`, () => assert.equal(signalNumber(name), undefined));
}

for (const [text, name] of [
  ['SIGTERM', 'SIGTERM'],
  ['term', 'SIGTERM'],
  ['15', 'SIGTERM'],
  ['iot', 'SIGABRT'],
  ['SIGRTMIN+3', 'SIGRTMIN+3'],
  ['rtmin+3', 'SIGRTMIN+3'],
  ['37', 'SIGRTMIN+3'],
  ['SIG37', 'SIGRTMIN+3'],
  ['RTMIN+0', 'SIGRTMIN'],
  ['RTMAX', 'SIGRTMIN+30'],
  ['RTMAX-1', 'SIGRTMIN+29'],
  ['33', 'SIG33'],
] as const) {
  test(`canonicalSignal() of ${text} is ${name}`, () => assert.equal(canonicalSignal(text), name));
}

for (const text of [
  '',
  'SIG',
  'FOO',
  'SIGconstructor',
  'TERM ',
  '0',
  '65',
  '-1',
  '1e1',
  'RTMIN-1',
  'RTMIN+31',
  'RTMAX+1',
  'RTMAX-31',
]) {
  test(`canonicalSignal() knows no ${JSON.stringify(text)}`, () => {
    assert.equal(canonicalSignal(text), undefined);
  });
}
