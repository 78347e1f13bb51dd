import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { commandTable } from '#cli/command-table.ts';
import { planLine } from './plan-line.ts';

const call = (...words: string[]) => ({ kind: 'call', words });

for (const [line, step] of [
  ['', { kind: 'nothing' }],
  ['  # a remark', { kind: 'nothing' }],
  ['exit', { kind: 'leave' }],
  ['quit', { kind: 'leave' }],
  ['h', call('help')],
  ['h run', call('help', 'run')],
  ['help', call('help')],
  ['list', call('nodes')],
  ['execute sleep 60', call('run', '-d', '--', 'sleep', '60')],
  ['execute ls -l', call('run', '-d', '--', 'ls', '-l')],
  ['execute -w node1 -- sleep 1', call('run', '-d', '-w', 'node1', '--', 'sleep', '1')],
  ['execute -w node1 ls -l', call('run', '-d', '-w', 'node1', 'ls', '-l')],
  ['pid', call('ps')],
  ['kill 4711', call('kill', '4711')],
  ['kill node1:4711', call('kill', 'node1:4711')],
  ['sKill 4711', call('kill', '--force', '4711')],
  ['skill 4711', call('kill', '--force', '4711')],
  ['getrusage', call('usage')],
  ['ps -a', call('ps', '-a')],
  ['join-token create', call('join-token', 'create')],
  ['run -w web* -- uptime', call('run', '-w', 'web*', '--', 'uptime')],
  ['run -dw web*&w1 --user x uptime -p', call('run', '-dw', 'web*&w1', '--user', 'x', 'uptime', '-p')],
  ['ls -l "a b"', call('run', '--', 'ls', '-l', 'a b')],
  ["grep '|' f", call('run', '--', 'grep', '|', 'f')],
  ['-- ps aux', call('run', '--', 'ps', 'aux')],
  ['up', call('run', '--', 'up')],
  ['exit 3', call('run', '--', 'exit', '3')],
  ['@all', { kind: 'select', nodes: '@all' }],
  ['@web[1-3]', { kind: 'select', nodes: 'web[1-3]' }],
  ['@web1, web2', { kind: 'select', nodes: 'web1,web2' }],
  ['@role=web', { kind: 'select', nodes: '@role=web' }],
  ['@@gpu', { kind: 'select', nodes: '@gpu' }],
] as const) {
  test(`planLine() of ${line}`, () => assert.deepEqual(planLine(line, commandTable), step));
}

for (const [line, message] of [
  [
    'ls | wc -l',
    "| means something to a shell only, and there is none: quote it, or: run --shell 'ls | wc -l'",
  ],
  ['ls *.txt', "* means something to a shell only, and there is none: quote it, or: run --shell 'ls *.txt'"],
  [
    'execute echo $HOME',
    "$ means something to a shell only, and there is none: quote it, or: run --shell 'echo $HOME'",
  ],
  ['-- cat < f', "< means something to a shell only, and there is none: quote it, or: run --shell 'cat < f'"],
  [
    'run -w web1 -- a && b',
    "& means something to a shell only, and there is none: quote it, or: run --shell 'a && b'",
  ],
  [
    'execute -w web1 -- a | b',
    "| means something to a shell only, and there is none: quote it, or: run --shell 'a | b'",
  ],
  ['--', '-- needs a command after it'],
] as const) {
  test(`planLine() refuses ${line}`, () =>
    assert.throws(() => planLine(line, commandTable), new UsageError(message)));
}
