/** The prompt at a real terminal and a real cluster, typed by a program as a person would; and fed by a script. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { drover, droverPath, startUpCluster } from '#test/fixture/drover-command.ts';
import { noPseudoTerminal, PseudoTerminal } from '#test/fixture/pseudo-terminal.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const skip = noPseudoTerminal ?? false;
const key = { enter: '\r', tab: '\t', controlC: '\u0003', controlD: '\u0004', controlR: '\u0012' } as const;

test('drover shell at a terminal, as somebody types', { skip }, async (t) => {
  await using cluster = await startUpCluster(temporaryDirectory(t), 3);
  const state = temporaryDirectory(t);
  const lines = [`${droverPath} shell`, 'echo ended $?', 'stty -a', `${droverPath} shell`];
  await using terminal = new PseudoTerminal(lines.join('; '), {
    rows: 24,
    columns: 80,
    env: { DROVER_DATA: cluster.data, XDG_STATE_HOME: state, SHELL: '/bin/sh', NO_COLOR: '1' },
  });
  /** Types a line at a prompt, and waits for what it leads to. */
  const type = async (line: string, ...wanted: (string | RegExp)[]) => {
    terminal.type(line + key.enter);
    await terminal.next(line.split('\t')[0] ?? '');
    for (const one of wanted) await terminal.next(one);
  };

  await terminal.next('3 of 3 nodes connected');
  await terminal.next('drover @all> ');
  await type('echo hello', /node\d: hello/, /3 succeeded in \d+\.\ds/, 'drover @all> ');
  await type('@node[1-2]', 'drover @node[1-2]> ');
  await type('+node3', 'drover @node[1-3]> ');
  await type('-node2', 'drover @node[1,3]> ');
  await type('?', '2 nodes: node[1,3]', /connected +node\[1,3\]/, 'drover @node[1,3]> ');
  await type('ls | wc', 'drover: | means something to a shell only', "run --shell 'ls | wc'");
  await type('!echo "here $((40 + 2))"; exit 3', 'here 42', 'here: exit 3', 'drover @node[1,3]> ');

  await type('=', 'equal output is folded', 'drover @node[1,3] => ');
  await type('echo same', /node\[1,3\] .*exit 0.*same.*2 succeeded/s, 'drover @node[1,3] => ');
  await type('=', 'output is shown as it comes', 'drover @node[1,3]> ');

  // What the last run came to is a target.
  await type("run --shell 'test $(hostname) = x'", '2 failed (exit 1)', 'drover @node[1,3]> ');
  await type('run -w $failed!node1 -- echo again', 'node3: again', '1 succeeded', 'drover @node[1,3]> ');

  // Completion of a command, a node and a result set.
  terminal.type(`inspec${key.tab}`);
  await terminal.next('inspect ');
  terminal.type(`\u0015nodes node${key.tab}${key.tab}`);
  await terminal.next(/node1 +node2 +node3/);
  terminal.type(`2${key.enter}`);
  await terminal.next(/node2 +connected/);
  await terminal.next('drover @node[1,3]> ');

  // Enter and Ctrl-C while a command runs; what is typed ahead runs afterwards.
  await type('sleep 1000');
  await terminal.next('\n');
  while (!(await cluster.run('ps', '-o', 'name')).stdout.trim().includes('\n'));
  terminal.type(key.enter);
  await terminal.next(/after \S+: (running|starting|pending).* on .*0 of 2 ended/);
  terminal.type(`echo ahead${key.enter}${key.controlC}`);
  await terminal.next('[s]top, [d]etach or [k]ill?');
  terminal.type('k');
  await terminal.next('2 stopped by operator (SIGKILL)');
  await terminal.next('drover @node[1,3]> ');
  assert.equal((await cluster.run('ps', '-o', 'name')).stdout, '');

  // A paste runs line by line; its last line waits to be finished.
  terminal.type('\u001b[200~echo one\n echo\ttwo\necho thr\u001b[201~');
  await terminal.next('node1: one');
  await terminal.next(/drover @node\[1,3\]> .*echo two/);
  await terminal.next('node1: two');
  await terminal.next(/drover @node\[1,3\]> .*echo thr/);
  terminal.type(`ee${key.enter}`);
  await terminal.next('node1: three');
  await terminal.next('drover @node[1,3]> ');

  // Ctrl-C on a line and on none leaves nothing but a new prompt; Ctrl-D leaves, and the terminal is as it was.
  terminal.type(`never${key.controlC}`);
  await terminal.next('never^C');
  await terminal.next('drover @node[1,3]> ');
  terminal.type(`${key.controlC}${key.controlC}`);
  await terminal.next(/\^C.*\^C.*drover @node\[1,3\]> /s);
  terminal.type(key.controlD);
  await terminal.next('ended 0');
  await terminal.next(/ icanon.* echo /s);

  // The next prompt knows what was typed at this one, but for what began with a space.
  await terminal.next('drover @all> ');
  terminal.type(`${key.controlR}ello`);
  await terminal.next(/search 'ello': .*echo hello/);
  terminal.type(key.enter);
  await terminal.next('3 succeeded');
  await terminal.next('drover @all> ');
  terminal.type(`exit${key.enter}`);
  const history = join(state, 'drover', 'history');
  assert.equal(statSync(history).mode & 0o777, 0o600);
  const kept = readFileSync(history, 'utf8').split('\n');
  assert.ok(kept.includes('echo three') && kept.includes('echo hello'), kept.join('\n'));
  assert.ok(!kept.some((line) => line.includes('two') || line.includes('never')), kept.join('\n'));
});

test('drover shell fed by a script: the code of the last line that failed, and no prompt', async (t) => {
  await using cluster = await startUpCluster(temporaryDirectory(t), 1);
  const feed = (input: string) => drover(['shell'], { data: cluster.data, input });
  const fine = await feed('# a remark\n\necho one\nexit\necho never\n');
  assert.deepEqual([fine.code, fine.stdout], [0, 'node1: one\n'], fine.stderr);
  const failed = await feed('@node1\nfalse\nls *\necho two');
  assert.deepEqual([failed.code, failed.stdout], [2, 'node1: two\n'], failed.stderr);
  assert.doesNotMatch(failed.stderr, /drover @/);
  const local = await feed('!cat; exit 7\necho three\n');
  assert.deepEqual([local.code, local.stdout], [7, 'node1: three\n'], local.stderr);
});
