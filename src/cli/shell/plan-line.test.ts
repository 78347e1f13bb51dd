import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { commandTable } from '#cli/command-table.ts';
import { planLine } from './plan-line.ts';
import { reservedWords } from './prompt-words.ts';

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
  ['drover ps -a', call('ps', '-a')],
  ['drover nodeset -e a', call('run', '--', 'drover', 'nodeset', '-e', 'a')],
  ['h pid', call('help', 'ps')],
  ['help execute', call('help', 'run')],
  ['join-token create', call('join-token', 'create')],
  ['run -w web* -- uptime', call('run', '-w', 'web*', '--', 'uptime')],
  ['run -dw web*&w1 --user x uptime -p', call('run', '-dw', 'web*&w1', '--user', 'x', 'uptime', '-p')],
  ['ls -l "a b"', call('run', '--', 'ls', '-l', 'a b')],
  ["grep '|' f", call('run', '--', 'grep', '|', 'f')],
  ['-- ps aux', call('run', '--', 'ps', 'aux')],
  ['up', call('run', '--', 'up')],
  ['version', call('run', '--', 'version')],
  ['shutdown -h now', call('run', '--', 'shutdown', '-h', 'now')],
  ['@all', { kind: 'select', change: '@', nodes: '@all' }],
  ['@web[1-3]', { kind: 'select', change: '@', nodes: 'web[1-3]' }],
  ['@web1, web2', { kind: 'select', change: '@', nodes: 'web1,web2' }],
  ['@role=web', { kind: 'select', change: '@', nodes: '@role=web' }],
  ['@@gpu', { kind: 'select', change: '@', nodes: '@gpu' }],
  ['@$failed', { kind: 'select', change: '@', nodes: '$failed' }],
  ['+web[4-5]', { kind: 'select', change: '+', nodes: 'web[4-5]' }],
  ['+@role=db', { kind: 'select', change: '+', nodes: '@role=db' }],
  ['-web1', { kind: 'select', change: '-', nodes: 'web1' }],
  ['- web1 , web2', { kind: 'select', change: '-', nodes: 'web1,web2' }],
  ['?', { kind: 'show' }],
  [' = ', { kind: 'fold' }],
  ["! ls | wc -l 'x", { kind: 'local', line: "ls | wc -l 'x" }],
  ['history', { kind: 'history', words: [] }],
  ['history 20', { kind: 'history', words: ['20'] }],
  ['run -w $failed -- uptime', call('run', '-w', '$failed', '--', 'uptime')],
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
  ['!', '! needs a line for a shell on this machine, such as: !date'],
  ['exit 3', 'exit stands alone: -- exit … runs it on the nodes'],
  ['? web1', '? stands alone: -- ? … runs it on the nodes'],
  ['+', '+ needs a node set, such as +web[1-3]; ? shows what is selected'],
  [
    'console a b',
    'console is kept for a command that this version does not have: -- console runs a program of that name on the nodes',
  ],
] as const) {
  test(`planLine() refuses ${line}`, () =>
    assert.throws(() => planLine(line, commandTable), new UsageError(message)));
}

test('the words that are ours at the prompt: every other one is a program of the nodes, also when commands are added', () => {
  assert.deepEqual(
    reservedWords.join(' '),
    [
      'attach audit console copy cp events exec execute exit file getrusage h help history inspect join-token kill list logs',
      'nodes pid ps quit remove rerun run sKill skill stop top usage use wait',
    ].join(' '),
  );
});
