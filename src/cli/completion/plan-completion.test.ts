import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandTable } from '#cli/command-table.ts';
import { planCompletion } from './plan-completion.ts';

function plan(line: string) {
  return planCompletion(commandTable, line.split(' '));
}

function words(line: string): string[] {
  const completion = plan(line);
  assert.equal(completion.kind, 'candidates', line);
  return completion.kind === 'candidates' ? completion.candidates.map(({ text }) => text) : [];
}

const offered: [line: string, words: string[]][] = [
  ['no', ['nodes', 'nodeset']],
  ['contr', ['controller']],
  ['complet', ['completion']],
  ['--', ['--data', '--help', '--version']],
  ['--data /x join', ['join-token']],
  ['join-token ', ['create', 'list', 'revoke']],
  ['join-token c', ['create']],
  ['join-token nope ', []],
  ['nope ', []],
  ['nodes --o', ['--output']],
  ['nodes -o ', ['table', 'wide', 'json', 'jsonl', 'name']],
  ['nodes -o js', ['json', 'jsonl']],
  ['nodes --output=js', ['--output=json', '--output=jsonl']],
  ['nodes -o json --o', []],
  ['nodes -o=json --la', ['--label']],
  ['run --env A=1 --env', ['--env', '--env-file']],
  ['run -dS --det', []],
  ['run --timeout ', []],
  ['nodes web1 --d', ['--data']],
  ['nodes -o json web1 ', ['--label', '--data', '--help']],
  ['nodes web1 w', []],
  ['shutdown --st', ['--stop-tasks']],
  ['completion ', ['bash', 'zsh', 'fish']],
  ['completion z', ['zsh']],
  ['kill -s US', ['USR1', 'USR2']],
  ['help node', ['nodes', 'nodeset']],
  ['help join-token ', ['create', 'list', 'revoke']],
  ['help exit', ['exit-codes']],
];

for (const [line, expected] of offered) {
  test(`planCompletion() offers words at "drover ${line}"`, () => assert.deepEqual(words(line), expected));
}

test('planCompletion() offers every command that is not hidden, and every option of a command without words', () => {
  const names = commandTable.filter(({ hidden }) => !hidden).map(({ syntax }) => syntax.name.split(' ')[0]);
  assert.deepEqual(words(''), [...new Set(names), 'controller', 'agent']);
  const up = commandTable.find(({ syntax }) => syntax.name === 'up');
  assert.deepEqual(
    words('up '),
    Object.keys(up?.syntax.options ?? {}).map((name) => `--${name}`),
  );
});

const looked: [line: string, of: string, before: string, stem: string, dataDirectory?: string][] = [
  ['nodes ', 'node set', '', ''],
  ['nodes we', 'node set', '', 'we'],
  ['nodes web1,we', 'node set', 'web1,', 'we'],
  ['nodes @all!we', 'node set', '@all!', 'we'],
  ['nodes web[1,', 'node set', '', 'web[1,'],
  ['nodes web[1,2]&@ro', 'node set', 'web[1,2]&', '@ro'],
  ['nodes -l ro', 'label selector', '', 'ro'],
  ['nodes -l a=1,!ro', 'label selector', 'a=1,!', 'ro'],
  ['run -w we', 'node set', '', 'we'],
  ['run -dw we', 'node set', '', 'we'],
  ['run --nodes=we', 'node set', '--nodes=', 'we'],
  ['run --nodes=a,we', 'node set', '--nodes=a,', 'we'],
  ['run -w a -x ', 'node set', '', ''],
  ['nodeset -e a b', 'node set', '', 'b'],
  ['join-token revoke 7', 'join token', '', '7'],
  ['user grant a', 'user', '', 'a'],
  ['user grant ada vi', 'role', '', 'vi'],
  ['token create --verb node', 'verb', '', 'node'],
  ['token revoke k', 'user token', '', 'k'],
  ['access explain ada task', 'verb', '', 'task'],
  ['logs k', 'task', '', 'k'],
  ['stop k3 ', 'task', '', ''],
  ['--data /x kill ', 'task', '', '', '/x'],
  ['kill --data /y ', 'task', '', '', '/y'],
  ['--data /x kill --data=/y ', 'task', '', '', '/y'],
];

for (const [line, of, before, stem, dataDirectory] of looked) {
  test(`planCompletion() looks up at "drover ${line}"`, () => {
    const completion = plan(line);
    assert.equal(completion.kind, 'values');
    if (completion.kind !== 'values') return;
    const { command: _, ...query } = completion.query;
    assert.deepEqual(query, { of, before, stem, dataDirectory });
  });
}

const byShell: [line: string, kind: string][] = [
  ['--data ', 'directories'],
  ['ps --data ', 'directories'],
  ['run --env-file ', 'files'],
  ['run --env-file=x', 'files'],
  ['nodeset -e --hostfile ', 'files'],
  ['run -w a ', 'programs'],
  ['run -w a -- ', 'programs'],
  ['run -w a -- l', 'programs'],
  ['run -w a -- ls -', 'files'],
  ['run -w a ls -', 'files'],
  ['run -w a -- ls -- ', 'files'],
  ['agent --join-file ', 'files'],
];

for (const [line, kind] of byShell) {
  test(`planCompletion() leaves "drover ${line}" to the shell: ${kind}`, () =>
    assert.equal(plan(line).kind, kind));
}
