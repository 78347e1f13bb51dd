import assert from 'node:assert/strict';
import { test } from 'node:test';
import { droverPath, startUpCluster } from '#test/fixture/drover-command.ts';
import { noPseudoTerminal, PseudoTerminal } from '#test/fixture/pseudo-terminal.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const entered = '\u001b[?1049h';
const left = '\u001b[?1049l';
const skip = noPseudoTerminal ?? false;

test('drover top takes a terminal, obeys keys, and gives it back however it ends', { skip }, async (t) => {
  await using cluster = await startUpCluster(temporaryDirectory(t), 1);
  const launched = await cluster.run('run', '-d', '-w', 'node1', '-o', 'name', '--', 'sleep', '1000');
  assert.equal(launched.code, 0, launched.stderr);
  const lines = [
    `${droverPath} shell`,
    `${droverPath} top; echo ended $?; stty -a`,
    `sh -c 'echo pid $$; exec ${droverPath} top'; echo ended $?; stty -a`,
  ];
  await using terminal = new PseudoTerminal(lines.join('; '), {
    rows: 10,
    columns: 80,
    env: { DROVER_DATA: cluster.data },
  });

  // From the prompt, which has the terminal back afterwards.
  await terminal.next('drover @all> ');
  terminal.type('top\r');
  await terminal.next(entered);
  await terminal.next(/node1 +running .* sleep 1000/);
  terminal.type('q');
  await terminal.next(left);
  await terminal.next('drover @all> ');
  terminal.type('ps\r');
  await terminal.next(/running .* sleep 1000/);
  terminal.type('exit\r');

  // By Ctrl-C, after a task was stopped.
  await terminal.next(entered);
  await terminal.next(/node1 +running .* sleep 1000/);
  terminal.type('\u001b[Bs');
  await terminal.next(/stop \w+ on node1\?/);
  terminal.type('y');
  await terminal.next('no task · by cpu');
  terminal.type('\u0003');
  await terminal.next(left);
  await terminal.next('ended 130');
  await terminal.next(/ icanon.* echo /s);

  // By a signal that nobody answers.
  const pid = await terminal.next(/pid (\d+)/);
  await terminal.next('no task · by cpu');
  process.kill(Number(pid), 'SIGTERM');
  await terminal.next(left);
  await terminal.next('ended 143');
  await terminal.next(/ icanon.* echo /s);
});
