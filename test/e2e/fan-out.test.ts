/** Runs on many nodes at a terminal, as a person sees them: what is asked before, what is shown meanwhile, and Ctrl-C. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { droverPath, startUpCluster, type UpCluster } from '#test/fixture/drover-command.ts';
import { noPseudoTerminal, PseudoTerminal } from '#test/fixture/pseudo-terminal.ts';
import { until } from '#test/fixture/until.ts';

const skip = noPseudoTerminal ?? false;
const controlC = '\u0003';
const eraseLine = '\r\u001b[2K';

const directory = mkdtempSync(join(tmpdir(), 'drover-fan-out-'));
let cluster: UpCluster;

before(async () => {
  cluster = await startUpCluster(join(directory, 'data'), 3);
});

after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** A person at a shell, who has typed this line. */
function typing(line: string, env: Readonly<Record<string, string>> = {}): PseudoTerminal {
  const own = { DROVER_DATA: cluster.data, HOME: directory, XDG_STATE_HOME: directory };
  return new PseudoTerminal(line, { rows: 24, columns: 80, env: { ...own, ...env } });
}

async function activeTasks(): Promise<number> {
  const { stdout } = await cluster.run('ps', '-o', 'name');
  return stdout.split('\n').length - 1;
}

test('run on more nodes than are launched on unasked asks first, and only y is a yes', { skip }, async () => {
  const command = `${droverPath} run -a -- echo launched; echo ended $?`;
  for (const [keys, code] of [
    ['n', 1],
    ['\r', 1],
    [controlC, 130],
  ] as const) {
    await using person = typing(command, { DROVER_CONFIRM_ABOVE: '2' });
    await person.next(/echo launched\r\non node\[1-3\] \(3 nodes\)\r\n/);
    await person.next('launch it on these 3 nodes? [y/N] ');
    person.type(keys);
    await person.next('nothing was launched');
    await person.next(`ended ${code}`);
  }
  await using yes = typing(command, { DROVER_CONFIRM_ABOVE: '2' });
  await yes.next('[y/N] ');
  yes.type('y');
  await yes.next(/node3: .*launched/);
  await yes.next('ended 0');
  for (const [more, env] of [
    ['', {}],
    ['--yes', { DROVER_CONFIRM_ABOVE: '2' }],
  ] as const) {
    await using unasked = typing(`${droverPath} run -a ${more} -- echo launched; echo ended $?`, env);
    assert.doesNotMatch(await unasked.next(/^([\s\S]*)ended 0/), /\[y\/N\]/);
  }
});

test('run on more than ten nodes asks by itself', { skip }, async () => {
  const nodes = Array.from({ length: 11 }, (_, i) => `node${i + 1}`);
  await using person = typing(`${droverPath} run -w 'node[1-11]' -- true; echo ended $?`);
  await person.next(`launch it on these ${nodes.length} nodes? [y/N] `);
  person.type('y');
  await person.next('no such node: node[4-11]');
  await person.next('ended 6');
});

test('run at a terminal shows how far it is, below the output, and takes that away', { skip }, async () => {
  const script = 'echo begun; until test -e $GATE; do sleep 0.1; done; echo done';
  const gate = join(directory, 'gate');
  const line = `${droverPath} run -a --env GATE=${gate} --shell '${script}'; echo ended $?`;
  await using person = typing(line);
  await person.next('begun');
  await person.next(/3 running/);
  rmSync(gate, { force: true });
  await cluster.run('run', '-w', 'node1', '--', 'touch', gate);
  const rest = await person.next(/([\s\S]*)ended 0/);
  assert.match(rest, /node3: .*done|done/);
  const last = rest.lastIndexOf('running');
  assert.ok(rest.lastIndexOf(eraseLine) > last, JSON.stringify(rest));
  assert.match(rest.slice(rest.lastIndexOf(eraseLine)), /3 succeeded in /);
});

test('run in a pipe moves no cursor, has no colour and no progress', async () => {
  const { code, stdout, stderr } = await cluster.run(
    'run',
    '-a',
    '--shell',
    'sleep 0.5; echo out; echo err >&2',
  );
  assert.equal(code, 0);
  assert.deepEqual(stdout.trimEnd().split('\n').sort(), ['node1: out', 'node2: out', 'node3: out']);
  assert.deepEqual(stderr.trimEnd().split('\n').sort(), [
    '3 succeeded',
    'node1: err',
    'node2: err',
    'node3: err',
  ]);
});

test('Ctrl-C in the middle of a run asks what becomes of it', { skip }, async () => {
  // The shell hears of Ctrl-C too, and is to go on.
  const line = `trap : INT; ${droverPath} run -a -- sleep 1000; echo ended $?`;
  const running = () => until('all three run', async () => (await activeTasks()) === 3);

  await using stopped = typing(line);
  await running();
  stopped.type(controlC);
  await stopped.next('[s]top, [d]etach or [k]ill?');
  stopped.type('s');
  await stopped.next('3 stopped by operator (SIGTERM)');
  await stopped.next('ended 130');
  assert.equal(await activeTasks(), 0);

  await using killed = typing(line);
  await running();
  killed.type(controlC);
  await killed.next('[s]top, [d]etach or [k]ill?');
  killed.type(controlC);
  await killed.next('3 stopped by operator (SIGKILL)');
  await killed.next('ended 130');
  assert.equal(await activeTasks(), 0);

  await using left = typing(line);
  await running();
  left.type(controlC);
  await left.next('[s]top, [d]etach or [k]ill?');
  left.type('d');
  const run = await left.next(/run (\S+) goes on/);
  await left.next('ended 0');
  assert.equal(await activeTasks(), 3);
  assert.equal((await cluster.run('stop', run)).code, 0);
  assert.equal(await activeTasks(), 0);
});

test('nodes remove of several has their number typed', { skip }, async () => {
  const command = `${droverPath} nodes remove node[2-3]; echo ended $?`;
  await using wrong = typing(command);
  await wrong.next('Remove node[2-3] for good.');
  await wrong.next('Type how many nodes that are: ');
  wrong.type('3\r');
  await wrong.next('node[2-3] were not removed');
  await wrong.next('ended 1');
  await using right = typing(command);
  await right.next('Type how many nodes that are: ');
  right.type('3\u007f2\r');
  await right.next(/removed node2\r\nremoved node3\r\nended 0/);
  const { stdout } = await cluster.run('nodes', '-o', 'name');
  assert.equal(stdout, 'node1\n');
});
