import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine, UsageError } from '#base/command-line.ts';
import { upSyntax } from '#cli/syntax/cluster-syntax.ts';
import { planAgentPort, planNodes, planUp } from './up-layout.ts';

for (const [present, wanted, expected] of [
  [[], undefined, ['node1']],
  [[], 3, ['node1', 'node2', 'node3']],
  [['node2', 'node1', 'node10'], undefined, ['node1', 'node2', 'node10']],
  [['node1', 'node2', 'node3'], 1, ['node1', 'node2', 'node3']],
  [['node3'], 2, ['node1', 'node2', 'node3']],
  [['node01', 'other', '.node1'], undefined, ['node1']],
] as const) {
  test(`planNodes() of [${present}] and ${wanted}`, () =>
    assert.deepEqual(planNodes(present, wanted), expected));
}

for (const [asked, known, expected] of [
  [undefined, undefined, '127.0.0.1:7444'],
  [undefined, 40000, '127.0.0.1:40000'],
  [{ host: '0.0.0.0', port: 0 }, undefined, '0.0.0.0:0'],
  [{ host: '0.0.0.0', port: 0 }, 40000, '0.0.0.0:40000'],
  [{ host: '0.0.0.0', port: 7444 }, 7444, '0.0.0.0:7444'],
] as const) {
  test(`planAgentPort() keeps what nodes know: ${expected}`, () => {
    const { host, port } = planAgentPort(asked, known);
    assert.equal(`${host}:${port}`, expected);
  });
}

test('planAgentPort() refuses to move under nodes that have joined', () => {
  assert.throws(() => planAgentPort({ host: '127.0.0.1', port: 9000 }, 7444), UsageError);
});

test('planUp() reads its options', () => {
  const plan = planUp(parseCommandLine(upSyntax, ['--nodes', '3', '--listen', '127.0.0.1:0', '--no-shell']));
  assert.deepEqual(plan, {
    nodes: 3,
    listen: { host: '127.0.0.1', port: 0 },
    agentListen: undefined,
    shell: false,
    keep: false,
  });
});

for (const argv of [['--nodes', '0'], ['--nodes', '101'], ['--nodes', 'x'], ['--listen', '7443'], ['now']]) {
  test(`planUp() refuses ${argv.join(' ')}`, () => {
    assert.throws(() => planUp(parseCommandLine(upSyntax, argv)), UsageError);
  });
}
