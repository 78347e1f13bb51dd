import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  ArgvPatternError,
  matchesArgument,
  matchesArgv,
  parseArgumentPattern,
  parseArgvPattern,
} from './argv-pattern.ts';

const cases: readonly [pattern: unknown, matching: readonly string[][], others: readonly string[][]][] = [
  [['ls'], [['ls']], [[], ['ls', ''], ['LS'], ['ls '], ['']]],
  [
    ['ls', { rest: 2 }],
    [['ls'], ['ls', '-l'], ['ls', '-l', '/']],
    [['ls', 'a', 'b', 'c'], ['rm']],
  ],
  [
    ['systemctl', 'restart', { oneOf: ['web', 'db'] }],
    [
      ['systemctl', 'restart', 'web'],
      ['systemctl', 'restart', 'db'],
    ],
    [
      ['systemctl', 'restart'],
      ['systemctl', 'restart', 'we'],
      ['systemctl', 'restart', 'web', 'db'],
      ['systemctl', 'restart web'],
    ],
  ],
  [
    ['kill', { int: [-2, 10] }],
    [
      ['kill', '-2'],
      ['kill', '0'],
      ['kill', '10'],
    ],
    ['-3', '11', '-0', '01', '+1', '1.0', '1e0', ' 1', '1\n', '', '0x1', '٣'].map((n) => ['kill', n]),
  ],
  [
    ['cat', { pathBeneath: '/var/log' }],
    [
      ['cat', '/var/log/a'],
      ['cat', '/var/log/a/..b'],
    ],
    [
      '/var/log',
      '/var/log/',
      '/var/log/../x',
      '/var/log/./x',
      '/var/log//x',
      '/var/logs/x',
      'var/log/x',
      '-r',
    ].map((path) => ['cat', path]),
  ],
  [
    ['cat', { pathBeneath: '/' }],
    [['cat', '/etc']],
    [
      ['cat', '/'],
      ['cat', '/etc/'],
      ['cat', '//etc'],
    ],
  ],
  [
    ['x', { regex: 'a|ab' }],
    [
      ['x', 'a'],
      ['x', 'ab'],
    ],
    ['', 'abc', 'xab', 'ab\n', `a${'b'.repeat(2_000)}`].map((text) => ['x', text]),
  ],
];

it('matchesArgv() matches whole vectors only', () => {
  for (const [value, matching, others] of cases) {
    const pattern = parseArgvPattern(value);
    const said = `${JSON.stringify(value)} on `;
    for (const argv of matching) assert.ok(matchesArgv(pattern, argv), said + JSON.stringify(argv));
    for (const argv of others) assert.ok(!matchesArgv(pattern, argv), said + JSON.stringify(argv));
  }
});

it('parseArgvPattern() names the element and what is wrong with it', () => {
  const malformed: readonly [value: unknown, message: RegExp][] = [
    ['ls', /^not a list of arguments$/],
    [[], /^has no command$/],
    [[{ rest: 1 }], /^has no command$/],
    [Array(65).fill('a'), /^has more than 64 elements$/],
    [['a', 1], /^element 2: neither a text nor one of/],
    [['a', { oneOf: ['a'], int: [1, 2] }], /^element 2: neither/],
    [['a', { toString: 1 }], /^element 2: "toString" is unknown$/],
    [['a', { rest: 1 }, 'b'], /^element 2: rest can only be the last/],
    [['a', { rest: 0 }], /^element 2: rest takes a number from 1 to 4096, not 0$/],
    [['a', { rest: 1, oneOf: [] }], /^element 2: rest takes the greatest number/],
    [[{ oneOf: [] }], /^element 1: oneOf takes/],
    [[{ oneOf: ['a', 1] }], /^element 1: oneOf takes/],
    [[{ int: [1] }], /^element 1: int takes/],
    [[{ int: [2, 1] }], /^element 1: int \[2, 1\] has nothing between/],
    [[{ int: [0, 0.5] }], /^element 1: int takes/],
    [[{ pathBeneath: 'a' }], /^element 1: pathBeneath takes/],
    [[{ pathBeneath: '/a/' }], /^element 1: pathBeneath takes/],
    [[{ regex: '(' }], /^element 1: regex "\(": .*missing closing \)/],
    [[{ regex: '(?<=a)b' }], /^element 1: regex/],
    [[{ regex: 'a'.repeat(257) }], /^element 1: regex takes a text of 256/],
    [[{ regex: '\\pL{1000}\\pL{1000}\\pL{1000}' }], /^element 1: regex .* repeats too much$/],
  ];
  for (const [value, message] of malformed) {
    const isSaid = (error: unknown) => error instanceof ArgvPatternError && message.test(error.message);
    assert.throws(() => parseArgvPattern(value), isSaid, JSON.stringify(value));
  }
});

it('a literal and a value of oneOf match themselves and nothing else, whatever they are made of', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (a, b, text) => {
      assert.equal(matchesArgument(parseArgumentPattern(a), text), a === text);
      assert.equal(matchesArgument(parseArgumentPattern({ oneOf: [a, b] }), text), text === a || text === b);
    }),
  );
});

it('a regular expression that would keep a backtracking engine for ever is answered at once', () => {
  const pattern = parseArgumentPattern({ regex: '(a*)*(a*)*(a|a)*b' });
  assert.equal(matchesArgument(pattern, 'a'.repeat(1_024)), false);
});
