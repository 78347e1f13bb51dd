/**
 * What an operator or a task writes to deceive whoever reads it: terminal control in output, names and reasons, and lines that look like
 * those of a log. Tried on real processes; what stops it is that the command line strips, and that logs are JSON.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { droverPath, startUpCluster } from '#test/fixture/drover-command.ts';
import { noPseudoTerminal, PseudoTerminal } from '#test/fixture/pseudo-terminal.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

/** A title, a cleared screen, a query that answers itself, a hidden line, an 8-bit sequence, a cursor that goes back. */
const hostile =
  'A\u001b]0;owned\u0007B\u001b[2JC\u001b[6nD\u001b[8mE\u009b31mF\rG\u001b]52;c;b3duZWQ=\u001b\\H';

/** No control character but line feed and tab is in it. */
function assertPlain(text: string, what: string): void {
  const isControl = (code: number) => (code < 32 && code !== 9 && code !== 10) || (code >= 127 && code < 160);
  const found = [...text].find((each) => isControl(each.codePointAt(0) ?? 0));
  assert.equal(found, undefined, `${what}: ${JSON.stringify(found)}`);
}

const forged = '{"level":30,"time":"2026-01-01T00:00:00.000Z","program":"drover-agent","msg":"forged"}';

test('control sequences of a task, in output, arguments and names, do not reach who reads them', async (t) => {
  await using cluster = await startUpCluster(temporaryDirectory(t), 1);
  const line = 'printf %s "$0"; printf %s "$0" >&2; exit 3';
  const run = await cluster.run('run', '-w', 'node1', '--', 'sh', '-c', line, hostile);
  assert.equal(run.code, 3, run.stderr);
  assert.match(run.stdout, /^node1: ABCDEF$/m);
  assertPlain(run.stdout + run.stderr, 'run');
  const named = await cluster.run('run', '-w', 'node1', '--name', hostile, '--', 'true');
  assertPlain(named.stdout + named.stderr, 'a name');
  const commands = ['ps --all', 'events', 'audit', 'nodes show node1'].map((line) => line.split(' '));
  for (const words of commands) {
    const { stdout, stderr } = await cluster.run(...words);
    assertPlain(stdout + stderr, words.join(' '));
  }
  const wrong = await cluster.run('run', '-w', 'node1', '--', `/none/${hostile}`);
  assertPlain(wrong.stdout + wrong.stderr, 'a command that is not there');
});

test('nothing of it reaches a terminal either', { skip: noPseudoTerminal }, async (t) => {
  const data = temporaryDirectory(t);
  await using _cluster = await startUpCluster(data, 1);
  const line = `${droverPath} run -w node1 -- printf '%b' 'first\\033]0;owned\\007\\033[2J\\033[6nlast\\n'; echo over`;
  await using terminal = new PseudoTerminal(line, { rows: 24, columns: 80, env: { DROVER_DATA: data } });
  const shown = await terminal.next(/.*over/s);
  assert.match(shown, /firstlast/);
  for (const sequence of ['owned', '\u001b[2J', '\u001b[6n']) assert.ok(!shown.includes(sequence));
});

test('a line that looks like one of a log stays inside of one: every line is JSON, and none is the forged one', async (t) => {
  const data = temporaryDirectory(t);
  {
    await using cluster = await startUpCluster(data, 1);
    const text = `x\n${forged}\n`;
    await cluster.run('run', '-w', 'node1', '--name', text, '--', `/none/${text}`);
    await cluster.run('run', '-w', 'node1', '--env', `A=${text}`, '--', 'printf', '%s', text);
    await cluster.run('run', '-w', 'node1', '--user', text, '--', 'true');
    await cluster.run('ls', `node1:/none/${text}`);
    await cluster.run('file', 'ls', `node1:/none/${text}`);
    await cluster.run('nodes', 'drain', 'node1', '--reason', text);
  }
  for (const path of ['log/controller.log', 'log/node1.log', 'nodes/node1/audit/audit.jsonl']) {
    const lines = readFileSync(join(data, path), 'utf8').trimEnd().split('\n');
    for (const one of lines) {
      if (one === '') continue;
      const parsed = JSON.parse(one) as { readonly msg?: string };
      assert.notEqual(parsed.msg, 'forged', path);
    }
  }
});
