import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FilePolicy } from '#agent/policy/policy.ts';
import { decideFile, holdsRoot } from './decide-files.ts';

const workspace = '/var/lib/drover/agent/workspace';

function policy(read: string[], write: string[] = []): FilePolicy {
  return { read, write, owners: false, setid: false };
}

const cases: [asked: string, roots: string[], expected: string | undefined][] = [
  ['a', ['workspace'], `${workspace}|a`],
  ['.', ['workspace'], `${workspace}|`],
  ['', ['workspace'], `${workspace}|`],
  [`${workspace}/a/b`, ['workspace'], `${workspace}|a/b`],
  ['a', ['/srv'], undefined],
  ['a', ['/'], `${workspace}|a`],
  ['/srv', ['/srv'], '/srv|'],
  ['/srv/', ['/srv/'], '/srv|'],
  ['//srv/./a//b/', ['/srv'], '/srv|a/b'],
  ['/srvx', ['/srv'], undefined],
  ['/sr', ['/srv'], undefined],
  ['/srv/data/x', ['/srv', '/srv/data'], '/srv/data|x'],
  ['/', ['/'], '/|'],
  ['/', ['/srv'], undefined],
  ['/etc/passwd', ['/'], '/|etc/passwd'],
  ['/var/lib/drover/agent', ['workspace'], undefined],
];

for (const [asked, roots, expected] of cases) {
  test(`decideFile() of ${JSON.stringify(asked)} beneath ${roots}`, () => {
    const decision = decideFile(asked, 'read', policy(roots), workspace);
    assert.equal(decision.allowed ? `${decision.root}|${decision.parts.join('/')}` : undefined, expected);
    assert.equal(
      decideFile(asked, 'write', policy(roots), workspace).allowed,
      false,
      'readable is not writable',
    );
  });
}

test('decideFile() allows exactly what begins with a root, for any path and any roots', () => {
  const part = fc.constantFrom('a', 'b', 'ab', 'workspace');
  const absolute = fc.array(part, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(absolute, fc.array(absolute, { maxLength: 3 }), (path, roots) => {
      const naive = roots.some((root) => `${path}/`.startsWith(root === '/' ? '/' : `${root}/`));
      const decision = decideFile(path, 'read', policy(roots), workspace);
      assert.equal(decision.allowed, naive);
      assert.equal(decision.path, path);
    }),
  );
});

test('holdsRoot() is true of roots and of what is above them', () => {
  const rules = policy(['/srv/data'], ['workspace']);
  for (const [path, held] of [
    ['/srv/data', true],
    ['/srv', true],
    ['/', true],
    ['/srv/data/x', false],
    ['/srv/other', false],
    [workspace, true],
    ['/var/lib/drover', true],
  ] as const) {
    assert.equal(holdsRoot(path, rules, workspace), held, path);
  }
});
