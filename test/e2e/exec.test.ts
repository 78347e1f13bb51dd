/** exec, attach and run --stdin as a person or a script uses them: pipes that are exact, a terminal that is one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { droverPath, startDrover, startUpCluster, type UpCluster } from '#test/fixture/drover-command.ts';
import { noPseudoTerminal, PseudoTerminal } from '#test/fixture/pseudo-terminal.ts';

const skip = noPseudoTerminal ?? false;
const controlC = '\u0003';
const detach = '\u0010\u0011';

const directory = mkdtempSync(join(tmpdir(), 'drover-exec-'));
let cluster: UpCluster;

before(async () => {
  cluster = await startUpCluster(directory, 2);
});

after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

interface Piped {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** Runs `drover` with these words between two pipes. */
async function pipe(words: readonly string[], input: Uint8Array = new Uint8Array()): Promise<Piped> {
  const child = startDrover(words, { data: cluster.data });
  const out: Buffer[] = [];
  let err = '';
  child.stdout?.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr?.on('data', (bytes: Buffer) => {
    err += bytes.toString();
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const [code] = await once(child, 'close');
  return { code, out: Buffer.concat(out), err };
}

/** A person at a shell, who has typed this line. */
function typing(line: string): PseudoTerminal {
  return new PseudoTerminal(line, { rows: 24, columns: 90, env: { DROVER_DATA: cluster.data } });
}

/** Pid of the daemon whose command line has this word. */
function daemonPid(word: string): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1];
      return parent === String(cluster.pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });
  assert.ok(found, `no daemon ${word}`);
  return Number(found);
}

test('drover exec gives every byte through, both ways, and both outputs apart', async () => {
  const bytes = randomBytes(5 << 20);
  const copied = await pipe(['exec', '-i', 'node1', '--', 'cat'], bytes);
  assert.equal(copied.err, '');
  assert.equal(copied.out.equals(bytes), true);
  const apart = await pipe(
    ['exec', 'node1', '--', 'sh', '-c', 'printf "o\\0\\n"; printf "e\\n" >&2; cat; exit 7'],
    bytes,
  );
  assert.deepEqual([apart.code, apart.out.toString(), apart.err], [7, 'o\0\n', 'e\n']);
});

test('drover exec exits as the command did, and says why one did not start', async () => {
  const cases: [string[], number, RegExp][] = [
    [['true'], 0, /^$/],
    [['sh', '-c', 'exit 200'], 200, /^$/],
    [['sh', '-c', 'kill -TERM $$'], 143, /^$/],
    [['nosuchcommand'], 127, /^drover: not started: command nosuchcommand: not found on PATH: node1\n$/],
    [['/etc/passwd'], 126, /not executable/],
  ];
  for (const [argv, code, err] of cases) {
    const ended = await pipe(['exec', 'node1', '--', ...argv]);
    assert.equal(ended.code, code, argv.join(' '));
    assert.match(ended.err, err);
  }
  const early = await pipe(['exec', '-i', 'node1', '--', 'head', '-c', '1'], Buffer.alloc(3 << 20, 'x'));
  assert.deepEqual([early.code, early.out.toString(), early.err], [0, 'x', '']);
});

test('drover exec -t without a terminal, of several nodes, and attach to what takes no input are refused', async () => {
  const cases: [string[], number, RegExp][] = [
    [['exec', '-it', 'node1', '--', 'bash'], 2, /^drover exec: -t needs a terminal/],
    [['exec', 'node[1-2]', '--', 'true'], 2, /is not the name of one node/],
    [['exec', 'nosuchnode', '--', 'true'], 6, /no such node: nosuchnode/],
    [['attach', 'nosuchtask'], 1, /no such task/],
    [['attach'], 2, /to which task\?/],
  ];
  for (const [words, code, err] of cases) {
    const ended = await pipe(words);
    assert.equal(ended.code, code, words.join(' '));
    assert.match(ended.err, err);
    assert.equal(ended.err.trimEnd().split('\n').length, 1, ended.err);
  }
  const ended = await pipe(['run', '-d', '-o', 'name', '-w', 'node1', '--', 'sleep', '1000']);
  const id = (await cluster.run('ps', '-o', 'name')).stdout.trim();
  const refused = await pipe(['attach', id]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /takes no input, since it was launched without/);
  assert.equal((await pipe(['stop', ended.out.toString().trim()])).code, 0);
});

test('drover run --stdin gives the same to every node, and attach to one of them more', async () => {
  const text = Buffer.from('line\n'.repeat(200_000));
  const summed = await pipe(['run', '-a', '--stdin', '--', 'wc', '-c'], text);
  assert.deepEqual(summed.out.toString().split('\n').sort(), ['', 'node1: 1000000', 'node2: 1000000']);
  const started = await pipe([
    'run',
    '-d',
    '--stdin',
    '-w',
    'node1',
    '-o',
    'name',
    '--',
    'sh',
    '-c',
    'cat; exit 6',
  ]);
  assert.equal(started.code, 0, started.err);
  const id = (await cluster.run('ps', '-o', 'name')).stdout.trim();
  const attached = await pipe(['attach', id], Buffer.from('by attach\n'));
  assert.deepEqual([attached.code, attached.out.toString(), attached.err], [6, 'by attach\n', '']);
});

/** Of sh: root's, or anybody else's. */
const prompt = /[#$] /;

test('drover exec -it is a terminal: size, Ctrl-C, its own exit code, and ours as it was', {
  skip,
}, async () => {
  const line = `${droverPath} exec -it node1 -- sh; echo ended $?; stty -a`;
  await using person = typing(line);
  await person.next(prompt);
  person.type('tty && stty size && echo $TERM\r');
  await person.next(/\/dev\/pts\/\d+\r\n24 90\r\nxterm-256color/);
  person.type('sleep 1000; echo after\r');
  await person.next('echo after');
  person.type(controlC);
  await person.next(prompt);
  person.type('printf "down\\n"; exit 42\r');
  await person.next('down\r\n');
  await person.next('ended 42');
  await person.next(/\nopost.* icanon.* echo /s);
});

test('drover exec -it can be left and come back to, by one at a time', { skip }, async () => {
  await using first = typing(`${droverPath} exec -it node1 -- sh; echo left $?; exec sh`);
  await first.next(prompt);
  first.type('kept=yes\r');
  await first.next(prompt);
  first.type(detach);
  const id = await first.next(/detached; to come back: drover attach (\w+)/);
  await first.next('left 0');
  await using second = typing(`${droverPath} attach ${id}; echo left $?`);
  second.type('echo kept=$kept.\r');
  await second.next('kept=yes.');
  first.type(`${droverPath} attach ${id}; echo left $?\r`);
  await second.next(/left task \w+: somebody else gives it input now/);
  await second.next('left 1');
  first.type('echo again $kept.\r');
  await first.next('again yes.');
  first.type('exit 9\r');
  await first.next('left 9');
  first.type('exit\r');
});

test('a terminal survives agent and controller, exactly once each key and each byte', { skip }, async () => {
  await using person = typing(`${droverPath} exec -it node2 -- sh; echo ended $?`);
  await person.next(prompt);
  person.type('n=0; count() { n=$((n+1)); echo "count <$n>"; }\r');
  await person.next(prompt);
  person.type('count\r');
  await person.next('count <1>');
  process.kill(daemonPid('node2'), 'SIGKILL');
  person.type('count\r');
  await person.next('count <2>');
  process.kill(daemonPid('/controller/main.ts'), 'SIGKILL');
  await person.next('lost the controller, trying to reach it again');
  person.type('count\r');
  // Input and output come back each by themselves.
  await person.next(/is back[\s\S]*count <3>|count <3>[\s\S]*is back/);
  person.type('exit 5\r');
  await person.next('ended 5');
});

test('exec and attach work at the prompt, which has its terminal back afterwards', { skip }, async () => {
  await using person = typing(`${droverPath} shell; echo closed $?`);
  await person.next('drover @all> ');
  person.type('exec -it node1 -- sh\r');
  await person.next(prompt);
  person.type(detach);
  const id = await person.next(/to come back: drover attach (\w+)/);
  await person.next('drover @all> ');
  person.type(`attach ${id}\r`);
  await person.next(prompt);
  person.type('echo at $DROVER_NODE\r');
  await person.next('at node1');
  person.type('exit\r');
  await person.next('drover @all> ');
  person.type('exec -i node1 -- cat\r');
  await person.next('the prompt has it');
  await person.next('drover @all> ');
  person.type('exit\r');
  await person.next('closed 0');
});
