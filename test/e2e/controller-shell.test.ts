/** `drover controller --shell` on real binaries: the prompt on the controller's own terminal. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { drover, droverPath } from '#test/fixture/drover-command.ts';
import { noPseudoTerminal, PseudoTerminal } from '#test/fixture/pseudo-terminal.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const skip = noPseudoTerminal ?? false;
const ports = ['--listen', '127.0.0.1:0', '--agent-listen', '127.0.0.1:0'];
const prompt = 'drover @all> ';

test('drover controller --shell has the prompt at its terminal, and exit stops it', { skip }, async (t) => {
  const data = join(temporaryDirectory(t), 'data');
  const start = `${droverPath} controller --shell --data ${data} ${ports.join(' ')}`;
  const lines = [
    'trap : INT', // as a shell at a terminal, which outlives what Ctrl-C ends
    `${start}; echo ended $?; stty -a`,
    `sh -c 'echo pid $$; exec ${start}'; echo ended $?; stty -a`,
    start,
    'echo last $?',
  ];
  await using terminal = new PseudoTerminal(lines.join('; '), { rows: 24, columns: 80, env: {} });

  await terminal.next(/ready https:\/\/\S+ agents /);
  await terminal.next('0 of 0 nodes connected');
  await terminal.next(prompt);
  // Ctrl-C is the prompt's, and what it interrupts; never the controller's.
  terminal.type('\u0003');
  await terminal.next(prompt);
  terminal.type('!echo here; sleep 1000\r');
  await terminal.next(/2004lhere/);
  terminal.type('\u0003');
  await terminal.next('here: SIGINT');
  await terminal.next(prompt);
  terminal.type('list\r');
  await terminal.next('no node');
  await terminal.next(prompt);
  terminal.type('exit\r');
  await terminal.next('ended 0');
  await terminal.next(/ icanon.* echo /s);
  assert.match(readFileSync(join(data, 'controller.log'), 'utf8'), /"why":"the prompt was left"/);
  assert.equal(statSync(join(data, 'controller.log')).mode & 0o777, 0o600);

  // A signal ends both, and the terminal is as it was.
  const pid = await terminal.next(/pid (\d+)/);
  await terminal.next(prompt);
  process.kill(Number(pid), 'SIGTERM');
  await terminal.next('ended 0');
  await terminal.next(/ icanon.* echo /s);

  // So does an operator elsewhere.
  await terminal.next(prompt);
  const shutDown = await drover(['shutdown', '--data', data], { data });
  assert.equal(shutDown.code, 0, shutDown.stderr);
  await terminal.next('last 0');
});

test('drover controller --shell takes lines from a pipe, and gives the exit code of the last that failed', async (t) => {
  const data = join(temporaryDirectory(t), 'data');
  const words = ['controller', '--shell', '--data', data, ...ports];
  const { code, stdout, stderr } = await drover(words, { data, input: 'list\nps nowhere\nlist\n' });
  assert.deepEqual([code, stdout.startsWith('ready https://')], [1, true], stderr);
});
